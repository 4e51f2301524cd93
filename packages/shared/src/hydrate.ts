import type { AbsenceEvidence } from './absences/evidence.ts'
import {
  classifyNotification,
  isDeletion,
  isErasure,
  isListed,
  type NotificationDelivery,
} from './classify-notification.ts'
import type { Notification } from './contracts/notification.ts'
import type { FlowCustomerSnapshot } from './contracts/snapshots.ts'
import type { Target } from './errors.ts'
import { outcomeOf } from './failure-outcome.ts'
import type { Call } from './http/call.ts'
import { type KnownVersions, objectOf } from './kafka/known-versions.ts'
import { keyOf } from './kafka/publisher.ts'
import type { KnownGate } from './known-gate.ts'
import { hashOfBody } from './known-loader.ts'
import { done, type Outcome, retry, skipped } from './outcome.ts'
import type { HandlerContext } from './stream.ts'
import type { Tenant } from './tenants.ts'
import { compareVersions } from './version.ts'

/** What every snapshot carries besides the record itself. */
export type Envelope = Omit<FlowCustomerSnapshot, 'customer'>

/** A record as its source answered it. */
export interface Found {
  readonly kind: Notification['kind']
  readonly version: string | null
  readonly body: Record<string, unknown>
  /** Writes it to its snapshot topic, under the call's fence; resolves once acknowledged. */
  publish(envelope: Envelope): Promise<void>
}

/** What differs between the two sources. */
export interface HydrationSource {
  readonly target: Target
  readonly known: KnownVersions
  /** Whether a user at the peer is ours. Changes by our users are echoes. */
  isOwnUser(tenant: Tenant, user: string): boolean
  /** Reads the object that a notification names; null when the peer answers "not found". */
  find(call: Call, notification: Notification): Promise<Found | null>
  /** Resolves once it is proven that the object does not exist, see `OmniumClient.proveAbsent`. */
  proveAbsent(call: Call, notification: Notification, evidence: AbsenceEvidence): Promise<void>
  /** Knows which objects must wait until the versions that were written before are known. A waiting record takes no slot. */
  readonly learning?: Pick<KnownGate, 'mustWait' | 'stillWaits'> | undefined
  /** Told of each change that only a sweep has told us of. */
  missed?: ((notification: Notification) => void) | undefined
  /**
   * Where the source's versions may go back without a replica that lags: waits before an older version is read again. The
   * second read is then published.
   */
  readonly beforeSecondRead?: ((ms: number, signal: AbortSignal) => Promise<unknown>) | undefined
  /** Writes the tombstone of a customer's snapshot, under the call's fence. */
  erase(call: Call, customerId: string): Promise<void>
}

/** The call as it reads this object: a "not found" answer about what we have written counts for the absence guard. */
export const readingKnown = (
  call: Call,
  known: KnownVersions,
  { entity, id }: Notification,
  kind: Notification['kind'],
): Call => {
  const isKnown = Boolean(known.get(objectOf(call.tenant.uid, entity, kind, id))?.hash)
  return { ...call, absence: { ...call.absence, known: isKnown } }
}

/** The trace that a call belongs to, as a message carries it. */
export const traceOf = ({ traceparent }: Call): { traceparent?: string } =>
  traceparent === undefined ? {} : { traceparent }

/** A notification that says what to look at, and the record that carries it. */
interface Look {
  readonly delivery: NotificationDelivery
  readonly notification: Notification
  readonly repair: boolean
}

const KINDS = [null, 'B2C', 'B2B'] as const

/**
 * `classify` and `handle` of an ingest service: every notification of one object ends in one read of it and at most one
 * snapshot. Nothing older than what was written before is written, unless it is a repair, or the source may date back what
 * it changes and answers the older version again.
 */
export function createHydration(source: HydrationSource) {
  return {
    classify: (delivery: NotificationDelivery) =>
      classifyNotification(delivery, source.target, (user) => source.isOwnUser(delivery.tenant, user)),
    handle: (deliveries: readonly NotificationDelivery[], context: HandlerContext) =>
      handle(deliveries, context, source),
  }
}

async function handle(
  deliveries: readonly NotificationDelivery[],
  context: HandlerContext,
  source: HydrationSource,
): Promise<readonly Outcome[]> {
  const outcomes = new Map<NotificationDelivery, Outcome>()
  const looks = deliveries.flatMap((delivery): Look[] =>
    delivery.value === null
      ? []
      : [{ delivery, notification: delivery.value, repair: delivery.value.repair || delivery.repair }],
  )
  const objects = Map.groupBy(looks, ({ notification }) => `${notification.entity} ${notification.kind}`)
  for (const pending of objects.values()) {
    for (const [delivery, outcome] of await hydrate(pending, context, source)) outcomes.set(delivery, outcome)
  }
  return deliveries.map((delivery) => outcomes.get(delivery) ?? skipped('ignored'))
}

/** All pending notifications of one object: one read answers for them. */
async function hydrate(
  pending: readonly Look[],
  context: HandlerContext,
  source: HydrationSource,
): Promise<[NotificationDelivery, Outcome][]> {
  const open = pending.filter((look) => !isKnown(look, source.known))
  const newest = open.at(-1)
  const outcome = newest && (await read(open, newest, context, source))
  return pending.map((look) => {
    if (outcome === undefined || !open.includes(look)) {
      return [look.delivery, skipped('known', look.notification.version ?? undefined)]
    }
    // A failed read is every waiting notification's failure; a successful one ends the others as superseded.
    const ends = outcome.kind === 'done' || outcome.kind === 'skipped'
    return [look.delivery, look === newest || !ends ? outcome : skipped('superseded')]
  })
}

const nameOf = ({ delivery, notification: { entity, kind, id } }: Look) =>
  objectOf(delivery.tenant.uid, entity, kind, id)

/** A list saw nothing newer than what we wrote. */
function isKnown({ delivery, notification, repair }: Look, known: KnownVersions): boolean {
  if (repair || !isListed(notification)) return false
  const last = known.get(objectOf(delivery.tenant.uid, notification.entity, notification.kind, notification.id))
  return last !== undefined && last.hash !== null && compareVersions(notification.version, last.version) <= 0
}

async function read(
  open: readonly Look[],
  newest: Look,
  context: HandlerContext,
  source: HydrationSource,
): Promise<Outcome> {
  const { notification } = newest
  const object = nameOf(newest)
  if (source.learning?.stillWaits(object, notification.receivedAt)) return retry('versions-pending')
  // Only if it is the newest: the object may exist again since an older delete event.
  const evidence = { deleteEvent: isDeletion(notification) }
  const call = { ...context.call, absence: evidence }
  try {
    const found = await source.find(call, notification)
    const isOrderGone = found === null && notification.entity === 'order'
    const version = found?.version ?? null
    if (!isOrderGone && source.learning?.mustWait(call.key, object, version, notification.receivedAt))
      return retry('versions-pending')
    if (found === null) {
      await source.proveAbsent(call, notification, evidence)
      return await gone(open, newest, call, source)
    }
    return await write(found, open, newest, context, source)
  } catch (error) {
    // One object's failure must not end, or fail, the other objects that share its key.
    const outcome = outcomeOf(error)
    if (outcome === null) throw error
    return outcome
  }
}

async function write(
  found: Found,
  open: readonly Look[],
  newest: Look,
  context: HandlerContext,
  source: HydrationSource,
  isSecondRead = false,
): Promise<Outcome> {
  const { known, missed, beforeSecondRead } = source
  const { version } = found
  const { delivery, notification } = newest
  const { call, now } = context
  const repair = open.some((look) => look.repair)
  const object = objectOf(delivery.tenant.uid, notification.entity, found.kind, notification.id)
  const bodyHash = hashOfBody(found.body)
  const last = known.get(object)
  if (!repair && last !== undefined && last.hash !== null) {
    const isOlder = version !== null && compareVersions(version, last.version) < 0
    // A replica that lags behind answered: the snapshot topic's last record of a key must stay its newest.
    if (isOlder && beforeSecondRead === undefined) return skipped('stale', version)
    if (isOlder && !isSecondRead) {
      // An aborted wait is the read's to tell.
      await beforeSecondRead?.(SECOND_READ_MS, call.signal).catch(() => {})
      const again = await source.find(call, notification)
      if (again === null) return retry('read-behind', SECOND_READ_MS)
      return write(again, open, newest, context, source, true)
    }
    if (last.hash === bodyHash && last.version === version) return skipped('known', version ?? undefined)
  }
  await found.publish({
    tenant: delivery.tenant.uid,
    id: notification.id,
    version,
    fetchedAt: new Date(now()).toISOString(),
    notifiedAt: open.reduce((oldest, look) => earlier(oldest, look.notification.receivedAt), notification.receivedAt),
    repair,
  })
  known.set(object, { version, hash: bodyHash })
  if (open.every((look) => look.notification.via === 'sweep')) missed?.(notification)
  return done({ operation: 'hydrated', ...(version !== null && { version }) })
}

/** A replica of Omnium that lags typically catches up within a second. */
const SECOND_READ_MS = 1_000

const earlier = (a: string, b: string) => (compareVersions(b, a) < 0 ? b : a)

/**
 * The source no longer has the object, which is proven. A customer that we have written gets its tombstone, so that
 * compaction forgets the person; one that we may never have seen does not.
 */
async function gone(
  open: readonly Look[],
  { delivery, notification }: Look,
  call: Call,
  { known, erase }: HydrationSource,
): Promise<Outcome> {
  if (notification.entity === 'order') return skipped('not-found')
  const { id } = notification
  const objects = KINDS.map((kind) => objectOf(delivery.tenant.uid, 'customer', kind, id))
  const written = objects.filter((object) => known.get(object)?.hash)
  const isGoneForSure = open.some((look) => look.repair || isErasure(look.notification))
  const erased = objects.some((object) => known.get(object)?.hash === null)
  if (written.length === 0 && (erased || !isGoneForSure)) return skipped('not-found')
  await erase(call, keyOf(delivery.tenant.uid, id))
  const own = objectOf(delivery.tenant.uid, 'customer', notification.kind, id)
  for (const object of new Set([own, ...written])) known.set(object, { version: null, hash: null })
  return done({ operation: 'tombstone' })
}
