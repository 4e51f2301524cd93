import type { Classified } from '../stream.ts'
import type { Tenant } from '../tenants.ts'
import { type Brownout, noBrownout } from './brownout.ts'
import { headerText, isTraceparent } from './headers.ts'
import { type Packed, pack } from './packed.ts'
import type { PartitionState } from './partition-gate.ts'
import type { SourceRecord } from './ports.ts'
import type { Queued } from './queued.ts'
import { type LaneMark, type RecordOrigin, readLane } from './retry-lane.ts'
import type { ContractTopic } from './topics.ts'

/** A record that was read and has not ended. Times are ms by the steady clock, unless noted otherwise. */
export interface Pending extends Queued {
  readonly state: PartitionState
  readonly offset: number
  readonly packed: Packed
  /** The key's part after the tenant. */
  readonly id: string
  readonly origin: RecordOrigin
  /** The topic of origin by its name in the topic table; null when it is none of the handler's. */
  readonly topic: ContractTopic | null
  /** When the log of its origin began anew (ms by the steady clock). 0 if it is not known to have begun anew. */
  readonly logSince: number
  readonly mark: LaneMark | null
  readonly traceparent: string | undefined
  /** Written to its topic. */
  readonly writtenAt: number
  /** Read into memory. */
  readonly enteredAt: number
  attempts: number
  brownout: Brownout
  /** When this service first handled the record. null before. */
  firstSeenAt: number | null
  /** ms since the epoch. */
  firstFailureAt: number | null
  /** `tenant/target` whose circuit it waits for. */
  waitsFor: string | null
  /** A write of it may still be executed late; the lane record that looks again is due then, and not written yet. */
  verifyOwedAt: number | null
  /** The value, while a run of the key needs the value. It can take several times its bytes. */
  decoded: { readonly value: unknown } | null
  /**
   * The answer of `classify` and the tenant that it was asked about, or why the record could not be classified. The answer is
   * kept while the record waits, so that the value of a record that is not due need not be decoded again.
   */
  classified: { readonly tenant: Tenant | undefined; readonly as: Classified | 'bug' | 'unreadable' } | null
}

/**
 * Whether a waiting record cannot be planned after its topic was created again. Plans order records by their offset of origin, and the
 * offsets of two logs cannot be compared. A record of the retry topic keeps its offset of origin in another topic, and there may be no
 * other copy of the record. A verify that is owed is about the target.
 */
export const endsWithLog = ({ mark, verifyOwedAt }: Pending): boolean => mark === null && verifyOwedAt === null

export interface PendingOptions {
  readonly prefix: string
  /** Without the prefix; null: there is no retry lane. */
  readonly retryTopic: string | null
  readonly topics: readonly ContractTopic[]
  /** Tenant and id of a key, null for a key that has none; `tenant:id` unless told. */
  readonly splitKey?: SplitKey
}

/** When a record was read, by the steady clock and in ms since the epoch. */
export interface ReadAt {
  readonly nowMs: number
  readonly wallMs: number
}

export type SplitKey = (key: string) => { readonly tenant: string; readonly id: string } | null

const tenantAndId: SplitKey = (key) => {
  const colon = key.indexOf(':')
  return colon > 0 ? { tenant: key.slice(0, colon), id: key.slice(colon + 1) } : null
}

/** Reads key, tenant, origin and lane mark of a record; never throws: what is wrong with it is found when it is handled. */
export function pendingOf(
  record: SourceRecord,
  state: PartitionState,
  at: ReadAt,
  { prefix, retryTopic, topics, splitKey = tenantAndId }: PendingOptions,
): Pending {
  const keyText = record.key?.toString('utf8') ?? ''
  const parts = splitKey(keyText)
  const inLane = retryTopic !== null && record.topic === prefix + retryTopic
  const lane = inLane ? readLane(record) : null
  const origin = lane?.mark.origin ?? { topic: record.topic, partition: record.partition, offset: record.offset }
  const traceparent = headerText(record.headers, 'traceparent')
  const packed = pack(record)
  const firstSeenAt = lane === null ? null : lane.mark.firstSeenAt + at.nowMs - at.wallMs
  return {
    state,
    offset: record.offset,
    packed,
    key: parts === null ? `\u0000${record.topic}/${record.partition}/${record.offset}` : keyText,
    tenant: parts?.tenant ?? '',
    id: parts?.id ?? '',
    lane: inLane,
    bytes: packed.bytes,
    dueAt: lane === null ? 0 : lane.mark.notBefore + at.nowMs - at.wallMs,
    origin,
    topic: topics.find((topic) => prefix + topic === origin.topic) ?? null,
    logSince: lane === null ? state.logSince : logSinceOf(state, origin, firstSeenAt ?? 0),
    mark: lane?.mark ?? null,
    traceparent: isTraceparent(traceparent) ? traceparent : undefined,
    writtenAt: record.timestamp,
    enteredAt: at.nowMs,
    attempts: lane?.mark.attempts ?? 0,
    brownout: noBrownout(lane?.mark.brownoutMs),
    firstSeenAt,
    firstFailureAt: null,
    waitsFor: null,
    verifyOwedAt: null,
    decoded: null,
    classified: null,
  }
}

/** A record that was handled for the first time before the log of its origin began anew is of the former log. */
function logSinceOf({ renewed }: PartitionState, { topic }: RecordOrigin, firstSeenAt: number): number {
  const since = renewed.get(topic) ?? 0
  return firstSeenAt < since ? 0 : since
}

/**
 * When the change behind a record happened (ms since the epoch). The time at its source, if the record has one, else the time at which
 * the change reached this system. null for a repair, because a repair may be about a change of long ago.
 */
export function changedAt({ decoded }: Pending): number | null {
  const value = decoded?.value as Partial<Record<'version' | 'notifiedAt' | 'receivedAt' | 'repair', unknown>> | null
  if (value?.repair === true) return null
  for (const text of [value?.version, value?.notifiedAt, value?.receivedAt]) {
    const at = typeof text === 'string' ? Date.parse(text) : Number.NaN
    if (Number.isFinite(at)) return at
  }
  return null
}
