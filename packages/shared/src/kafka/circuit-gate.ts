import type { Target } from '../errors.ts'

/** Decides which keys may be started against a tenant's target, see http/circuit.ts. Times are ms by the steady clock. */
export interface CircuitGate {
  admit(tenantUid: string, target: Target, key: string): { admitted: true } | { admitted: false; retryAtMs: number }
  onChange(listener: (tenantUid: string, target: Target, state: 'closed' | 'half-open' | 'open') => void): void
}
