import type { CircuitGate } from '../../kafka/circuit-gate.ts'
import type { SimulatedTime } from './time.ts'

type State = 'closed' | 'half-open' | 'open'

/** Circuits that a test opens and closes; half-open, they admit one key at a time. */
export interface SimulatedCircuits extends CircuitGate {
  isDown(tenant: string): boolean
  become(tenant: string, state: State): void
  /** The key's turn is over. */
  done(tenant: string, key: string): void
}

export function createSimulatedCircuits(time: SimulatedTime): SimulatedCircuits {
  const states = new Map<string, State>()
  const trials = new Map<string, string>()
  const listeners: Parameters<CircuitGate['onChange']>[0][] = []
  const notify = (tenant: string) => {
    for (const listener of listeners) listener(tenant, 'omnium', states.get(tenant) ?? 'closed')
  }
  const circuits: SimulatedCircuits = {
    admit(tenant, _target, key) {
      const state = states.get(tenant) ?? 'closed'
      if (state === 'closed' || (state === 'half-open' && (trials.get(tenant) ?? key) === key)) {
        if (state === 'half-open' && !trials.has(tenant)) {
          trials.set(tenant, key)
          setTimeout(() => circuits.done(tenant, key), 3_000)
        }
        return { admitted: true }
      }
      return { admitted: false, retryAtMs: time.now() + (state === 'open' ? 5_000 : 1_000) }
    },
    onChange: (listener) => void listeners.push(listener),
    isDown: (tenant) => states.get(tenant) === 'open',
    become(tenant, state) {
      states.set(tenant, state)
      trials.delete(tenant)
      notify(tenant)
    },
    done(tenant, key) {
      if (trials.get(tenant) !== key) return
      trials.delete(tenant)
      if (states.get(tenant) === 'half-open') notify(tenant)
    },
  }
  return circuits
}
