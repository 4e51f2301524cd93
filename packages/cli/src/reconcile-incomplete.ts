import { omniumKindOf } from '@sync/customer-mapper/map-to-omnium'
import type { ChildSays, Drift, Pair } from './reconcile-compare.ts'
import { type IncompleteList, OMNIUM_LISTS, type SourceList } from './source-list.ts'

/** What an incomplete list looks like among the drifts, so that no report and no exit code hides it. */
export const incompleteDrift = (tenant: string, { list, why }: IncompleteList): Drift => ({
  ...{ tenant, customer: '', kind: 'incomplete-list', target: list === 'customers of flow' ? 'flow' : 'omnium' },
  ...{ changes: [], repair: 'reported', why: `${list}: ${why}`, cure: null },
})

/** The list whose lack of a customer is all that a pair's drift could rest on; null: its records are there to be compared. */
export function lackingList({ flow, private: asPerson, business }: Pair): SourceList | null {
  if (flow === null) return 'customers of flow'
  const kind = omniumKindOf(flow)
  const own = kind === 'B2C' ? asPerson : business
  return kind === null || own !== null ? null : OMNIUM_LISTS[kind]
}

/** What the companies that were listed say of their parents, without those that an incomplete list may have left out. */
export const saidByListed = (children: ReadonlyMap<string, ChildSays>): ReadonlyMap<string, ChildSays> =>
  new Map([...children].filter(([, says]) => says !== null))

/** That a company is no parent, because no child names it. */
export const concludesNoChildren = ({ kind, changes }: Drift): boolean =>
  kind === 'parent-company' && changes[0]?.after === 'false'
