import type { ChildChanged, ElementRemoved, ParentChange, ParentObserved } from '@sync/shared/contracts/parent-change'
import type { OmniumCustomer } from '@sync/shared/omnium/schema'
import { skipped } from '@sync/shared/outcome'
import type { Classified, Delivery } from '@sync/shared/stream'
import { compareVersions } from '@sync/shared/version'
import { hasParent, type Relations, relationsOf } from './relations.ts'

export type ParentChangeDelivery = Delivery<'company.parent-changes.v1'>

export interface ObservedLead {
  readonly delivery: ParentChangeDelivery
  readonly value: ParentObserved
  /** What it stands for besides itself; they end when it ends well, and share its fate else. */
  readonly older: readonly ParentChangeDelivery[]
  /** A record out of its place is among what this one stands for: Flow says what to go on with. */
  readonly asksFlow: boolean
  /** The parent's entry may be what is wrong, so it is announced even when the company agrees. */
  readonly doubtsParent: boolean
}

export interface ChildLead {
  readonly delivery: ParentChangeDelivery
  readonly value: ChildChanged
}

export interface ElementLead {
  readonly delivery: ParentChangeDelivery
  readonly value: ElementRemoved
}

/** All that is pending for one company. */
export interface Folded {
  readonly observed: ObservedLead | null
  readonly children: readonly ChildLead[]
  readonly elements: readonly ElementLead[]
}

/**
 * Observations of a company's parent supersede each other by version. Announcements of one child do so by offset alone,
 * never by version: they are reasons to look at the child after a write of its parent, and only the last one in the
 * topic is sure to come after every attempt. (v2 was announced and its write refused, then v1 is announced and written:
 * the look that v2 asks for may come before that write.) A `verify` stands for itself: it has to look after a late
 * execution, and what supersedes it may be done with before.
 */
export function classify({ value, lane }: ParentChangeDelivery): Classified {
  if (value === null) return { end: skipped('ignored') }
  return {
    group: lane === 'verify' ? null : groupOf(value),
    version: value.type === 'parent-observed' ? value.version : '',
    targets: value.type === 'parent-observed' && lane !== null ? ['omnium', 'flow'] : ['omnium'],
    repair: value.type === 'parent-observed' && value.repair,
  }
}

function groupOf(value: ParentChange): string {
  switch (value.type) {
    case 'parent-observed':
      return 'parent-observed'
    case 'child-changed':
      return `child:${value.child}`
    case 'element-removed':
      return `element:${value.list}:${value.id}`
  }
}

/**
 * Sorts a company's records into what is looked at. Of several observations of its parent the newest counts, and it is
 * as doubtful as any of them.
 */
export function fold(deliveries: readonly ParentChangeDelivery[]): Folded {
  const children: ChildLead[] = []
  const elements: ElementLead[] = []
  let observed = null as ObservedLead | null
  for (const delivery of deliveries) {
    const { value, lane, repair } = delivery
    if (value?.type === 'child-changed') children.push({ delivery, value })
    if (value?.type === 'element-removed') elements.push({ delivery, value })
    if (value?.type !== 'parent-observed') continue
    const asksFlow = lane !== null
    const lead = { delivery, value, older: [], asksFlow, doubtsParent: asksFlow || repair || value.repair }
    observed = observed === null ? lead : joined(...byAge(lead, observed))
  }
  return { observed, children, elements }
}

const joined = (newer: ObservedLead, older: ObservedLead): ObservedLead => ({
  ...newer,
  older: [...newer.older, ...older.older, older.delivery],
  asksFlow: newer.asksFlow || older.asksFlow,
  doubtsParent: newer.doubtsParent || older.doubtsParent,
})

/** Newest first; of the same version, the later in the topic. */
const byAge = (later: ObservedLead, earlier: ObservedLead): readonly [ObservedLead, ObservedLead] =>
  compareVersions(later.value.version, earlier.value.version) >= 0 ? [later, earlier] : [earlier, later]

/**
 * How an observed parent stands to what the company says in Omnium.
 * - `again`: this very version was written, and yet the company says something else
 * - `hidden`: the relations of the company can't be read, and nothing else says that the company has this parent
 */
export function compareParent(
  company: OmniumCustomer,
  { to, version }: { readonly to: string | null; readonly version: string },
  prefix: string,
): 'stale' | 'unchanged' | 'again' | 'change' | 'hidden' {
  const relations = relationsOf(company, prefix)
  const age = compareVersions(version, relations.parentVersion)
  if (age < 0) return 'stale'
  if (relations.hidden.length > 0) return isKnown(relations, to, age) ? 'unchanged' : 'hidden'
  if (hasParent(relations, to)) return 'unchanged'
  return age === 0 ? 'again' : 'change'
}

/**
 * Whether the relations say this parent, or, if they can't be read, the note of our last write. A company whose parent we never
 * wrote has no parent of ours that could be removed.
 */
function isKnown(relations: Relations, to: string | null, age: number): boolean {
  const { hidden, notedParent, parentVersion } = relations
  if (!hidden.includes('customerRelations')) return hasParent(relations, to)
  if (hidden.includes('properties')) return false
  if (notedParent !== undefined) return notedParent === to
  return parentVersion === null ? to === null : age === 0
}

/**
 * Whether the relations name other parents than our last write did. Then that write is not complete: Omnium may merge the relations,
 * so that the former parent is still to be removed.
 */
export function differsFromNote(company: OmniumCustomer, prefix: string): boolean {
  const relations = relationsOf(company, prefix)
  const { hidden, notedParent } = relations
  return hidden.length === 0 && notedParent !== undefined && !hasParent(relations, notedParent)
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
