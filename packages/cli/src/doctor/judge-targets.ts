import type { ValueOf } from '@sync/shared/contracts/contracts'
import type { Target } from '@sync/shared/errors'
import { broken, type Finding, look, ok } from './finding.ts'

const HOUR_MS = 3_600_000
/** The goal of all services together. */
const TOLERABLE = 0.01

/** The circuits and the limits of one target, as the processes have told them within the last hour. Pure. */
export function judgeTarget(target: Target, states: readonly ValueOf<'sync.cursors.v1'>[], nowMs: number): Finding[] {
  const fresh = states.filter(({ sweptAt }) => nowMs - Date.parse(sweptAt) < HOUR_MS)
  return [judgeCircuits(target, fresh), judgeLimits(target, fresh)]
}

function judgeCircuits(target: Target, states: readonly ValueOf<'sync.cursors.v1'>[]): Finding {
  const check = `circuits of ${target}`
  const bad = states.filter(({ mark }) => mark !== 'closed')
  if (bad.length === 0) {
    const found =
      states.length === 0
        ? 'no service has asked the target within the last hour'
        : `closed in ${states.length} services`
    return ok(check, found)
  }
  const found = bad.map((it) => `${it.mark} in ${it.process} (${it.cause ?? 'no cause'})`).join(', ')
  const advice = `Ask whether ${target} is down. The waiting records go on by themselves when the circuit closes.`
  return (bad.some(({ mark }) => mark === 'open') ? broken : look)(check, found, advice)
}

function judgeLimits(target: Target, states: readonly ValueOf<'sync.cursors.v1'>[]): Finding {
  const check = `limits of ${target} in the last hour`
  const sum = (field: 'requests' | 'throttled') => states.reduce((total, state) => total + (state[field] ?? 0), 0)
  const [requests, throttled] = [sum('requests'), sum('throttled')]
  const found = `${throttled} of ${requests} requests were answered 429`
  if (throttled <= requests * TOLERABLE) return ok(check, found)
  const advice =
    target === 'omnium'
      ? 'Give each service an API user of its own (omnium.apiUsers), and find out who else uses the same API user.'
      : 'Lower flow.requestsPerSecond and flow.maxInFlight for this tenant.'
  return look(check, found, advice)
}
