import type { Call } from '@sync/shared/http/call'
import type { Targets } from '@sync/shared/http/targets'
import type { Tenant } from '@sync/shared/tenants'
import type { Cluster } from '../cluster.ts'

/** What every check of one tenant works with. */
export interface DoctorContext {
  readonly cluster: Cluster
  readonly tenant: Tenant
  readonly targets: Targets
  readonly call: Call
  readonly env: Readonly<Record<string, string | undefined>>
  /** ms since the epoch. */
  readonly now: () => number
  /** Tells a person at once, beside the lines of the checks. */
  readonly tell: (text: string) => void
}
