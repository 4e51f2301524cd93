import { rawOf, sendableOf, unsendableOf } from '@sync/shared/http/reading'
import {
  hiddenOfRelations,
  PARENT,
  PARENT_COMPANY,
  type ParentNote,
  parentNote,
  parentNoteOf,
  parentVersionKey,
  propertyOf,
  SUB_DEPARTMENT,
} from '@sync/shared/omnium/our-properties'
import type { OmniumCustomer, OmniumProperty, OmniumRelation } from '@sync/shared/omnium/schema'

/** What a business customer in Omnium says of its place among the companies. */
export interface Relations {
  /** The companies that its `Parent` relations name: none, one, or several when somebody else wrote them. */
  readonly parents: readonly string[]
  /** The version of the last write of its parent; null when we never wrote it. */
  readonly parentVersion: string | null
  /** Names of the lists that can't be read. While there is one, `parents` says nothing. */
  readonly hidden: readonly string[]
  /** The parent of our last write, as `ParentNote` describes it. */
  readonly notedParent: ParentNote['parent']
}

export function relationsOf(company: OmniumCustomer, prefix: string): Relations {
  const { version, parent } = parentNoteOf(company, prefix)
  return {
    parents: [...new Set(entriesOf(company).filter(isParent).map(idOf))].filter((id) => id !== ''),
    parentVersion: version,
    hidden: hiddenOfRelations(company, prefix),
    notedParent: parent,
  }
}

/** Whether the `Parent` relations say `to`, and nothing besides. */
export const hasParent = ({ parents }: Pick<Relations, 'parents'>, to: string | null): boolean =>
  to === null ? parents.length === 0 : parents.length === 1 && parents[0] === to

export interface RelationChange {
  /** The parent to have (null: none), and the version to note with it. Left out: the parent stays. */
  readonly parent?: { readonly to: string | null; readonly version: string }
  /** For each company looked at: whether it has to be a sub-department. The others stay as they are. */
  readonly children: ReadonlyMap<string, boolean>
}

export interface RelationPatch {
  /** The body of a PATCH without the customer's id: the whole list of relations, and only those properties that change. */
  readonly fields: { readonly customerRelations?: OmniumRelation[]; readonly properties?: OmniumProperty[] }
  /** Names of the fields that change for the parent's sake, and for the children's. */
  readonly changedByParent: readonly string[]
  readonly changedByChildren: readonly string[]
  /** The children whose entry changes. */
  readonly children: ReadonlySet<string>
  /** A relation that the company holds is not in the list any more, or is in the list in another form. */
  readonly removes: boolean
  /** False if a relation of the list holds an unreadable value. Then the list must not be sent. */
  readonly isSendable: boolean
}

/**
 * What makes a company, whose relations are not hidden, say what `change` says; null when it does already. Relations of other types, entries of other
 * companies, and what an entry or property holds besides our fields stay.
 */
export function patchFor(company: OmniumCustomer, change: RelationChange, prefix: string): RelationPatch | null {
  const properties: OmniumProperty[] = []
  const changedByParent: string[] = []
  const changedByChildren: string[] = []
  const set = (key: string, value: string): boolean => {
    const stored = propertyOf(company, key)
    if (stored?.value === value) return false
    properties.push({ ...(stored && sendableOf(stored)), key, value })
    return true
  }

  const stored = entriesOf(company)
  let entries = stored
  if (change.parent !== undefined) {
    const { to, version } = change.parent
    entries = withParent(entries, to)
    if (entries !== stored) changedByParent.push('customerRelations')
    if (set(parentVersionKey(prefix), parentNote(version, to)))
      changedByParent.push(`properties.${parentVersionKey(prefix)}`)
  }

  const children = new Set<string>()
  for (const [child, present] of change.children) {
    const next = withChild(entries, child, present)
    if (next !== entries) children.add(child)
    entries = next
  }
  if (children.size > 0) changedByChildren.push('customerRelations')
  if (change.children.size > 0) {
    const isParentCompany = parentCompany(stored, entries, propertyOf(company, PARENT_COMPANY)?.value)
    if (isParentCompany !== null && set(PARENT_COMPANY, isParentCompany)) {
      changedByChildren.push(`properties.${PARENT_COMPANY}`)
    }
  }

  if (entries === stored && properties.length === 0) return null
  return {
    fields: {
      ...(entries !== stored && { customerRelations: entries.map(rawOf) as OmniumRelation[] }),
      ...(properties.length > 0 && { properties }),
    },
    changedByParent,
    changedByChildren,
    children,
    removes: stored.some((entry) => !entries.includes(entry)),
    isSendable: entries === stored || entries.every((entry) => unsendableOf(entry).length === 0),
  }
}

/** `true` while a sub-department is left, `false` once the last is gone; null for a company that never had one. */
function parentCompany(
  before: readonly OmniumRelation[],
  after: readonly OmniumRelation[],
  value: string | null | undefined,
): string | null {
  if (after.some(isSubDepartment)) return 'true'
  return before.some(isSubDepartment) || value === 'true' ? 'false' : null
}

/** The same list when it says so already. */
function withParent(entries: readonly OmniumRelation[], to: string | null): readonly OmniumRelation[] {
  const kept = entries.find((entry) => isParent(entry) && idOf(entry) === to)
  const others = entries.filter((entry) => !isParent(entry))
  if (to === null) return others.length === entries.length ? entries : others
  if (kept?.customerType === 'B2B' && others.length === entries.length - 1) return entries
  return [...others, relation(kept, to, PARENT)]
}

/** The same list when it says so already. */
function withChild(entries: readonly OmniumRelation[], child: string, present: boolean): readonly OmniumRelation[] {
  const isEntry = (entry: OmniumRelation) => isSubDepartment(entry) && idOf(entry) === child
  const stored = entries.find(isEntry)
  if (!present) return stored === undefined ? entries : entries.filter((entry) => !isEntry(entry))
  if (stored === undefined) return [...entries, relation(undefined, child, SUB_DEPARTMENT)]
  if (stored.customerType === 'B2B') return entries
  return entries.map((entry) => (entry === stored ? relation(stored, child, SUB_DEPARTMENT) : entry))
}

const relation = (stored: OmniumRelation | undefined, customerId: string, relationType: string): OmniumRelation => ({
  ...(stored && rawOf(stored)),
  customerId,
  customerType: 'B2B',
  relationType,
})

const entriesOf = ({ customerRelations }: OmniumCustomer): readonly OmniumRelation[] => customerRelations ?? []
const idOf = ({ customerId }: OmniumRelation): string => customerId ?? ''
const isParent = ({ relationType }: OmniumRelation): boolean => relationType === PARENT
const isSubDepartment = ({ relationType }: OmniumRelation): boolean => relationType === SUB_DEPARTMENT
