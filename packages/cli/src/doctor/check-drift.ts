import { SyncError } from '@sync/shared/errors'
import { lookAt } from '../reconcile-look.ts'
import { sampleOf } from '../reconcile-sample.ts'
import { counted } from '../terminal.ts'
import type { Check } from './check.ts'
import { explain } from './explain.ts'
import { type Finding, look, ok } from './finding.ts'

const SAMPLE = 50
export const DRIFT = 'drift of a sample'

/** The drift of a sample of customers, spread over all customers of Flow, as far as the customers are compared within `ms`. */
export const driftWithin = (ms: number): Check => ({
  names: [DRIFT],
  async run({ cluster, tenant, targets, call, now }) {
    const until = now() + ms
    const ids = await sampleOf(targets, call, SAMPLE)
    const kinds = new Map<string, number>()
    let compared = 0
    for (const id of ids) {
      if (now() >= until && compared > 0) break
      for (const { kind } of (await lookAt(targets, tenant, id, cluster.signal)) ?? []) {
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
      }
      compared++
    }
    return [judgeDrift(kinds, compared, ids.length, tenant.uid)]
  },
  explain: (error) =>
    explain(error, (error instanceof SyncError ? error.target : undefined) ?? 'flow', 'Customer read'),
})

/** `kinds`: how often each kind of drift was found. `compared` of `sampled` customers were compared in time. Pure. */
export function judgeDrift(
  kinds: ReadonlyMap<string, number>,
  compared: number,
  sampled: number,
  tenant: string,
): Finding {
  const late = compared < sampled ? `; there was no time for ${counted(sampled - compared, 'customer')} more` : ''
  const found = kinds.size === 0 ? 'none' : [...kinds].map(([kind, n]) => `${n} ${kind}`).join(', ')
  const line = `${found} in ${counted(compared, 'customer')}${late}`
  return kinds.size === 0 ? ok(DRIFT, line) : look(DRIFT, line, `Run: syncctl reconcile --tenant ${tenant}`)
}
