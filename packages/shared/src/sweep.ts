import type { NotificationTopic } from './classify-notification.ts'
import type { Notification } from './contracts/notification.ts'
import type { SweepCursor } from './contracts/sweep-cursor.ts'
import { SyncError, type Target } from './errors.ts'
import { createKnownVersions, type KnownVersions, objectOf } from './kafka/known-versions.ts'
import { keyOf, type Publisher } from './kafka/publisher.ts'
import { describeGap, type ListEnd } from './list-read.ts'
import type { Logger } from './logger.ts'
import type { Tenant } from './tenants.ts'
import { compareVersions, newerVersion } from './version.ts'

/**
 * Where marks are kept. The implementer writes with acks=all before `put` resolves, and answers `get` with the latest
 * of all members' puts that it can see: an older mark is harmless (more is listed again), a newer one than was put loses
 * changes.
 */
export interface CursorStore {
  get(tenant: string, source: SweepCursor['source'], entity: SweepCursor['entity']): Promise<SweepCursor | null>
  put(cursor: SweepCursor): Promise<void>
}

/**
 * Where a sweep begins.
 * - `mark`: at the high-water mark less the overlap; the mark moves forward
 * - `deep`: hours before now, for changes that the peer listed long after it had dated them; the mark stays
 */
export type SweepDepth = 'mark' | 'deep'

/** One source's sweep: finds what was changed since the marks and publishes notifications for it. */
export interface Sweep {
  readonly source: SweepCursor['source']
  readonly entities: readonly SweepCursor['entity'][]
  /**
   * A mark is stored only after everything before it was announced, and not past a list that is incomplete. Throws what
   * its ports throw; safe to repeat.
   */
  sweepTenant(tenant: Tenant, signal: AbortSignal, depth?: SweepDepth): Promise<void>
}

export interface SweepPorts {
  readonly publisher: Publisher
  readonly cursors: CursorStore
  /** What hydration here has written, so that it isn't announced. */
  readonly known: Pick<KnownVersions, 'get'>
  /** Told of how many records a sweep listed as changed; each version of one counts once. */
  readonly found?: (tenantUid: string, entity: SweepCursor['entity'], count: number) => void
  /** How far before its mark a sweep begins: what the source's clock and its own delays may hide. */
  readonly overlapMs: number
  /** How far before now a deep sweep begins. */
  readonly deepLookbackMs: number
  readonly logger: Pick<Logger, 'error'>
  /** ms since the epoch. */
  readonly now: () => number
}

/** Says that a list was incomplete, where the sweep would else be silent about it. */
export function reportGap(
  { logger }: Pick<SweepPorts, 'logger'>,
  tenant: Tenant,
  entity: SweepCursor['entity'],
  end: ListEnd,
): void {
  const { gap, seen, total } = end
  const about = { tenant: tenant.uid, entity, gap, seen, total }
  logger.error(about, `a swept list is incomplete, its mark stays: ${describeGap(end)}`)
}

/** A changed object as a list showed it. */
export interface Listed {
  readonly id: string
  readonly version: string | null
  /** The user who changed it last, as far as the list tells. */
  readonly changedBy?: string | null
}

const iso = (ms: number) => new Date(ms).toISOString()
/** As compareVersions reads it: a time without an offset is UTC. NaN for what is no time. */
const millisOf = (time: string) => Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/i.test(time) ? time : `${time}Z`)

/** The next millisecond. */
export const justAfter = (version: string): string => iso(millisOf(version) + 1)

/** How far before its first sweep a tenant's changes are looked for, since only our clock tells where to begin. */
export const BEFORE_FIRST_MS = 15 * 60_000

/**
 * Where to begin: the mark less the overlap. Without a mark a little before now, by our clock: the source's may be minutes
 * behind it, and what it dates before the first mark would never be found. What lies further back is for the backfill.
 */
export const sweepFrom = (
  cursor: SweepCursor | null,
  { overlapMs, deepLookbackMs }: Pick<SweepPorts, 'overlapMs' | 'deepLookbackMs'>,
  startedAt: number,
  depth: SweepDepth = 'mark',
): string => {
  if (depth === 'deep') return iso(startedAt - deepLookbackMs)
  return iso((cursor === null ? startedAt - BEFORE_FIRST_MS : Date.parse(cursor.mark)) - overlapMs)
}

/**
 * The mark of a list that was begun at `from` and has been seen up to `newest`: by the source's own dates, never back, and
 * never past `clockMs`, the source's clock when it answered (ours where the answer names none). Else one record dated in
 * the future would hide every change until then.
 */
export function nextMark(cursor: SweepCursor | null, from: string, newest: string | null, clockMs: number): string {
  const last = Date.parse(cursor?.mark ?? from)
  const seen = newest === null ? Number.NaN : millisOf(newest)
  return iso(Number.isNaN(seen) ? last : Math.max(last, Math.min(seen, clockMs)))
}

export const newestOf = (items: readonly Listed[]): string | null =>
  items.reduce<string | null>((newest, { version }) => newerVersion(newest, version), null)

/** Throws when a page isn't sorted as it was asked for: paging by time would miss changes without a sign. */
export function requireOrder(items: readonly Listed[], direction: 'ascending' | 'descending', target: Target): void {
  const dated = items.filter(({ version }) => version !== null)
  const isSorted = dated.every(({ version }, index) => {
    const step = index === 0 ? 0 : compareVersions(version, dated[index - 1]!.version)
    return direction === 'ascending' ? step >= 0 : step <= 0
  })
  if (isSorted) return
  throw new SyncError('target-answer-invalid', `listing changes in ${target}: not sorted by modification time`, {
    target,
  })
}

/**
 * Publishes "found by sweep" for what neither hydration nor an earlier sweep of this process has covered already. Our own
 * writes, where our users at the peer are known, are passed over: nobody's webhook was lost with them.
 */
export type Announce = (
  tenant: Tenant,
  of: Pick<Notification, 'entity' | 'kind'>,
  items: readonly Listed[],
) => Promise<void>

/** The list on which an object is found. */
export const sweptEntityOf = ({ entity, kind }: Pick<Notification, 'entity' | 'kind'>): SweepCursor['entity'] => {
  if (entity === 'order') return 'orders'
  if (kind === null) return 'customers'
  return kind === 'B2C' ? 'private-customers' : 'business-customers'
}

export function createAnnounce(
  topic: NotificationTopic,
  { publisher, known, found, now }: SweepPorts,
  isOwnUser: (tenant: Tenant, user: string) => boolean,
): Announce {
  const announced = createKnownVersions()
  const turns = new Map<string, Promise<void>>()
  const announce: Announce = async (tenant, { entity, kind }, items) => {
    const unseen = items
      .filter(({ changedBy }) => !changedBy || !isOwnUser(tenant, changedBy))
      .map((item) => ({ ...item, object: objectOf(tenant.uid, entity, kind, item.id) }))
      .filter(({ object, version }) => !covers(announced, object, version))
    if (unseen.length === 0) return
    found?.(tenant.uid, sweptEntityOf({ entity, kind }), unseen.length)
    const fresh = unseen.filter(({ object, version }) => !covers(known, object, version))
    const receivedAt = new Date(now()).toISOString()
    await publisher.publish(
      topic,
      fresh.map(({ id, version }) => ({
        key: keyOf(tenant.uid, id),
        value: {
          ...{ tenant: tenant.uid, entity, id, via: 'sweep' as const, action: null, kind },
          ...{ users: [], version, repair: false, receivedAt },
        },
      })),
    )
    for (const { object, version } of unseen) announced.set(object, { version, hash: '' })
  }
  // In turn: two sweeps of a tenant that list the same change at once would announce and count it twice.
  return (tenant, of, items) => {
    const turn = (turns.get(tenant.uid) ?? Promise.resolve()).catch(() => {}).then(() => announce(tenant, of, items))
    turns.set(tenant.uid, turn)
    return turn
  }
}

function covers(known: Pick<KnownVersions, 'get'>, object: string, version: string | null): boolean {
  const last = known.get(object)
  return last !== undefined && last.hash !== null && version !== null && compareVersions(version, last.version) <= 0
}
