import { flowKind, parentUidOf } from '@sync/shared/flow/schema'
import type { Call } from '@sync/shared/http/call'
import { keyOf } from '@sync/shared/kafka/publisher'
import type { OmniumCustomer } from '@sync/shared/omnium/schema'
import { type Outcome, skipped, withNotes } from '@sync/shared/outcome'
import type { HandlerContext } from '@sync/shared/stream'
import { propertyPrefix, type Tenant } from '@sync/shared/tenants'
import { compareVersions } from '@sync/shared/version'
import { compareParent, differsFromNote, type ObservedLead } from './fold.ts'
import { hindranceOf } from './hindrance.ts'
import type { Ports } from './ports.ts'
import { relationsOf } from './relations.ts'
import { unreadable } from './unreadable.ts'
import type { Announcement } from './unsettled.ts'

/** A company's parent according to Flow. */
interface FlowParent {
  readonly to: string | null
  readonly version: string
}

/** A change of a company's parent that both parents have been told of and that has to be written now. */
export interface AnnouncedChange {
  readonly kind: 'announced'
  readonly parent: FlowParent
  readonly announcements: readonly Announcement[]
  /** The parents that were told. */
  readonly told: ReadonlySet<string>
  /** Before the announcements were written, ms since the epoch. */
  readonly announcedAt: number
}

/**
 * Whether a company that is read again, in the slot of the write, still needs the announced change, and names no parent that
 * was not told.
 */
export function isStillAnnounced({ parent, told }: AnnouncedChange, company: OmniumCustomer, tenant: Tenant): boolean {
  const prefix = propertyPrefix(tenant)
  const standing = compareParent(company, parent, prefix)
  if (standing === 'stale' || standing === 'unchanged') return false
  return relationsOf(company, prefix).parents.every((id) => told.has(id))
}

/** Decides what an observed parent means for the company as it was just read, and announces the change if there is one. */
export async function observeParent(
  lead: ObservedLead,
  company: OmniumCustomer,
  { call, now }: HandlerContext,
  ports: Ports,
): Promise<Outcome | AnnouncedChange> {
  const { delivery, value, asksFlow, doubtsParent } = lead
  const { id } = delivery
  const prefix = propertyPrefix(call.tenant)
  let parent: FlowParent = { to: value.parent || null, version: value.version }
  let standing = compareParent(company, parent, prefix)
  // The record may have written a newer version itself, as Flow said it then, and wait for the removal of the former parent.
  const isUnfinished = standing === 'stale' && differsFromNote(company, prefix)
  if (asksFlow || standing === 'again' || isUnfinished) {
    const latest = await latestParent(parent, id, call, ports)
    if ('kind' in latest) return latest
    parent = latest
    standing = compareParent(company, parent, prefix)
  }

  const { parents, parentVersion, hidden } = relationsOf(company, prefix)
  const announcing = (to: readonly (string | null)[], version: string): Announcement[] =>
    [...new Set(to)]
      .filter((told) => told !== null)
      .map((told) => ({
        key: keyOf(call.tenant.uid, told),
        value: {
          type: 'child-changed',
          tenant: call.tenant.uid,
          parent: told,
          child: id,
          to: parent.to,
          version,
          notifiedAt: value.notifiedAt,
        },
        ...(delivery.traceparent !== undefined && { traceparent: delivery.traceparent }),
      }))
  const announce = (announcements: readonly Announcement[]) =>
    ports.publisher.publish('company.parent-changes.v1', announcements, call.fence)

  if (standing === 'stale') return skipped('stale', parent.version)
  if (standing === 'hidden') return unreadable('writing a parent relation', hidden)
  if (standing === 'unchanged') {
    // With the version that is stored, so that the parent has no write of the child to wait for.
    if (doubtsParent && parent.to !== null) await announce(announcing([parent.to], parentVersion ?? ''))
    return withNotes(skipped('unchanged', parent.version), { unreadable: hidden })
  }
  if (parent.to !== null) {
    const hindrance = await hindranceOf(delivery, parent.to, { call, now }, ports)
    if (hindrance !== null) return hindrance
  }
  const announcedAt = now()
  const told = new Set([...parents, parent.to].filter((id) => id !== null))
  const announcements = announcing([...told], parent.version)
  await announce(announcements)
  return { kind: 'announced', parent, announcements, told, announcedAt }
}

/** The newer of a record and what Flow says now; of the same version, what Flow says now. */
async function latestParent(
  recorded: FlowParent,
  id: string,
  call: Call,
  { flow }: Ports,
): Promise<FlowParent | Outcome> {
  const customer = await flow.getCustomer(call, id)
  if (customer === null) {
    await flow.proveAbsent(call, 'customer', id, { known: true })
    return skipped('deleted')
  }
  if (flowKind(customer) !== 'COMPANY') return skipped('ignored')
  const version = customer.lastModifiedAt ?? ''
  if (compareVersions(version, recorded.version) < 0) return recorded
  const to = parentUidOf(customer)
  // What can't be read is no statement: the record's stands.
  return to === undefined ? recorded : { to, version }
}
