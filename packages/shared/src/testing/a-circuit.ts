import {
  answered,
  asked,
  cleared,
  type Failing,
  failed,
  probed,
  recovered,
  requestsChanged,
  ticked,
} from '../http/circuit.ts'
import { type Circuit, createCircuit, type Doubt } from '../http/circuit-state.ts'

const random = () => 0.5
/** The waits that `random` makes of 1, 2, 4 … s. */
export const WAIT_MS = 750

/** A circuit that is told what happens, one event a millisecond, and that takes keys with a failure of their own for suspects. */
export const aCircuit = () => {
  let circuit = createCircuit(0)
  let nowMs = 0
  let events = 0
  const suspects = new Set<string>()
  const become = <T extends { next: Circuit }>(result: T): T => {
    circuit = result.next
    return result
  }
  const failing = (key: string, fields: Partial<Failing>): Failing => ({
    ...{
      key,
      kind: 'doubtful',
      isWrite: true,
      route: null,
      at: events,
      isSuspect: suspects.has(key),
      nowMs,
      random,
      inFlight: 0,
      ...fields,
    },
  })
  const on = {
    get circuit() {
      return circuit
    },
    get events() {
      return events
    },
    get now() {
      return nowMs
    },
    pass(ms: number) {
      nowMs += ms
      circuit = ticked(circuit, nowMs)
      return on
    },
    answer(key: string, { isWrite = true, route = null }: Partial<Doubt> = {}) {
      circuit = answered(circuit, key, { isWrite, route }, ++events, ++nowMs)
      return on
    },
    /** A failure, and what the probe says should it be asked. */
    fail(
      key: string,
      fields: Partial<Failing> & { probe?: 'healthy' | 'down'; meanwhile?: () => unknown } = {},
    ): string {
      const { probe = 'healthy', meanwhile, ...rest } = fields
      nowMs++
      events++
      const it = failing(key, rest)
      const { verdict } = become(failed(circuit, it))
      if (verdict !== 'probe') return count(key, verdict)
      meanwhile?.()
      if (probe === 'down') {
        circuit = probed(circuit, { isHealthy: false, cause: 'failing' }, { at: ++events, nowMs, random, inFlight: 0 })
        return 'probe, outage'
      }
      circuit = probed(circuit, { isHealthy: true }, { at: ++events, nowMs, random, inFlight: 0 })
      return `probe, ${count(key, become(cleared(circuit, it)).verdict)}`
    },
    recover(key: string) {
      circuit = recovered(circuit, key, nowMs)
      return on
    },
    ask(key: string, { isSending = false } = {}) {
      return become(asked(circuit, { key, isSuspect: suspects.has(key), nowMs, isSending })).retryAtMs
    },
    probe(isHealthy: boolean, fields = {}) {
      const result = isHealthy ? { isHealthy } : { isHealthy, cause: 'failing' as const, ...fields }
      circuit = probed(circuit, result, { at: ++events, nowMs, random, inFlight: 0 })
      return on
    },
    /** Waits for the probe to be due, and lets it find the target healthy or not. */
    probeWhenDue(isHealthy = true) {
      on.pass(Math.max(0, circuit.retryAtMs - nowMs))
      return on.probe(isHealthy)
    },
    start(key: string) {
      circuit = requestsChanged(circuit, key, 1, nowMs)
      return on
    },
    end(key: string) {
      circuit = requestsChanged(circuit, key, -1, nowMs)
      return on
    },
  }
  const count = (key: string, verdict: 'own' | 'brownout' | 'outage') => {
    if (verdict === 'own') suspects.add(key)
    return verdict
  }
  return on
}
