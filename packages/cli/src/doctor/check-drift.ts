import { lookAt } from '../reconcile-look.ts'
import { sampleOf } from '../reconcile-sample.ts'
import { counted } from '../terminal.ts'
import type { DoctorContext } from './context.ts'
import { type Finding, look, ok } from './finding.ts'

const SAMPLE = 50

/** The drift of a sample of customers, spread over all customers of Flow. */
export async function checkDrift({ cluster, tenant, targets, call }: DoctorContext): Promise<Finding[]> {
  const ids = await sampleOf(targets, call, SAMPLE)
  const kinds = new Map<string, number>()
  for (const id of ids) {
    for (const { kind } of (await lookAt(targets, tenant, id, cluster.signal)) ?? []) {
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    }
  }
  const check = `drift of a sample of ${counted(ids.length, 'customer')}`
  if (kinds.size === 0) return [ok(check, 'none')]
  const found = [...kinds].map(([kind, n]) => `${n} ${kind}`).join(', ')
  return [look(check, found, `Run: syncctl reconcile --tenant ${tenant.uid}`)]
}
