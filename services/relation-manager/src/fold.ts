import type { ChildChanged, ParentObserved } from '@sync/shared/contracts/parent-change'
import type { OmniumCustomer } from '@sync/shared/omnium/schema'
import { type Outcome, skipped } from '@sync/shared/outcome'
import type { Classified, Delivery } from '@sync/shared/stream'
import { compareVersions } from '@sync/shared/version'
import { hasParent, relationsOf } from './relations.ts'

export type ParentChangeDelivery = Delivery<'company.parent-changes.v1'>

export interface ObservedLead {
  readonly delivery: ParentChangeDelivery
  readonly value: ParentObserved
}

export interface ChildLead {
  readonly delivery: ParentChangeDelivery
  readonly value: ChildChanged
}

/** All that is pending for one company. */
export interface Folded {
  readonly observed: ObservedLead | null
  readonly children: readonly ChildLead[]
  /** What the fold itself decides. */
  readonly ends: ReadonlyMap<ParentChangeDelivery, Outcome>
}

/**
 * Observations of a company's parent supersede each other by version. Announcements of one child do so by offset alone,
 * never by version: they are reasons to look at the child after a write of its parent, and only the last one in the
 * topic is sure to come after every attempt. (v2 was announced and its write refused, then v1 is announced and written:
 * the look that v2 asks for may come before that write.)
 */
export function classify({ value, lane }: ParentChangeDelivery): Classified {
  if (value === null) return { end: skipped('ignored') }
  if (value.type === 'child-changed') return { group: `child:${value.child}`, version: '', targets: ['omnium'] }
  return {
    group: 'parent-observed',
    version: value.version,
    targets: lane === null ? ['omnium'] : ['omnium', 'flow'],
    repair: value.repair,
  }
}

/** Sorts a company's records into what is looked at; of several observations of its parent the newest counts. */
export function fold(deliveries: readonly ParentChangeDelivery[]): Folded {
  const children: ChildLead[] = []
  const ends = new Map<ParentChangeDelivery, Outcome>()
  let observed: ObservedLead | null = null
  for (const delivery of deliveries) {
    const { value } = delivery
    if (value === null) ends.set(delivery, skipped('ignored'))
    else if (value.type === 'child-changed') children.push({ delivery, value })
    else if (observed === null) observed = { delivery, value }
    else {
      const isNewer = compareVersions(value.version, observed.value.version) >= 0
      ends.set(isNewer ? observed.delivery : delivery, skipped('superseded'))
      if (isNewer) observed = { delivery, value }
    }
  }
  return { observed, children, ends }
}

/** How an observed parent stands to what the company says in Omnium; `again`: this very version was written, and yet it says something else. */
export function compareParent(
  company: OmniumCustomer,
  { to, version }: { readonly to: string | null; readonly version: string },
  prefix: string,
): 'stale' | 'unchanged' | 'again' | 'change' {
  const relations = relationsOf(company, prefix)
  const age = compareVersions(version, relations.parentVersion)
  if (age < 0) return 'stale'
  if (hasParent(relations, to)) return 'unchanged'
  return age === 0 ? 'again' : 'change'
}

/** Whether the announced write of a child is probably still under way, by what the child says now. One that is gone is not waited for. */
export function isPending(
  child: OmniumCustomer | null,
  announced: Pick<ChildChanged, 'to' | 'version'>,
  prefix: string,
): boolean {
  if (child === null) return false
  const relations = relationsOf(child, prefix)
  const age = compareVersions(relations.parentVersion, announced.version)
  return age < 0 || (age === 0 && !hasParent(relations, announced.to))
}

/** A child that is gone is nobody's child. */
export const isChildOf = (child: OmniumCustomer | null, parent: string, prefix: string): boolean =>
  child !== null && relationsOf(child, prefix).parents.includes(parent)
