import type { Metrics } from '../metrics.ts'
import type { Tenants } from '../tenants.ts'
import type { CircuitStatus, Circuits } from './circuits.ts'

const STATE_VALUE = { closed: 0, 'half-open': 1, open: 2 } as const

/** Shows the circuits at every scrape. Of a thousand hardly any has changed, so only those that did are set. */
export function exportCircuits(
  circuits: Pick<Circuits, 'list'>,
  metrics: Pick<Metrics, 'circuitState' | 'credentialsRefused' | 'onScrape'>,
) {
  const shown = new Map<string, CircuitStatus>()
  metrics.onScrape(() => {
    for (const status of circuits.list()) {
      const { target, tenant, state, cause } = status
      const name = `${target}/${tenant}`
      const last = shown.get(name)
      if (last?.state === state && last.cause === cause) continue
      shown.set(name, status)
      metrics.circuitState.set(STATE_VALUE[state], { target, tenant })
      if (cause === 'unauthorized') metrics.credentialsRefused.set(1, { target, tenant })
      else metrics.credentialsRefused.remove({ target, tenant })
    }
  })
  return {
    /** Forgets those of tenants that are no more. */
    tenantsChanged(tenants: Tenants) {
      for (const [name, { target, tenant }] of shown) {
        if (tenants.get(tenant) !== undefined) continue
        shown.delete(name)
        metrics.circuitState.remove({ target, tenant })
        metrics.credentialsRefused.remove({ target, tenant })
      }
    },
  }
}
