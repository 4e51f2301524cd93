import type { LaneWhy } from '../stream.ts'
import { headerText, withoutHeaders } from './headers.ts'
import type { RawHeaders, RawMessage, SourceRecord } from './ports.ts'

/** Where a record first stood, by the topic's physical name. */
export interface RecordOrigin {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** What a record of the retry lane carries besides its original key, bytes and headers. Times are ms since the epoch. */
export interface LaneMark {
  readonly why: LaneWhy
  readonly origin: RecordOrigin
  /** Why it waits, a RetryReason, or what the operator's command says. */
  readonly reason: string
  readonly notBefore: number
  /** Failed attempts so far. */
  readonly attempts: number
  /** How long the record has failed because its target fails now and then, in ms. */
  readonly brownoutMs?: number
  /** First handled by this service; bounded waits count from here. */
  readonly firstSeenAt: number
  /** How often it went through the lane; its waits grow with it. */
  readonly passes: number
  readonly redrives: number
}

/** Whether a record was deferred because of its target or of too many records, so that it may be handled once its circuit closes. */
export const isOutageDeferral = (mark: LaneMark | null): boolean =>
  mark !== null && ['circuit-open', 'target-unavailable', 'brownout', 'over-share'].includes(mark.reason)

const WHYS: readonly string[] = ['deferred', 'redriven', 'replayed', 'verify', 're-read'] satisfies LaneWhy[]
const isLaneHeader = (name: string) => name.startsWith('lane-')

/** The lane record for an original record: its bytes and headers untouched, on the partition of its origin, plus the mark. */
export function laneMessage(
  retryTopic: string,
  original: { readonly key: Buffer | null; readonly value: Buffer | null; readonly headers: RawHeaders },
  mark: LaneMark,
): RawMessage {
  return {
    topic: retryTopic,
    partition: mark.origin.partition,
    key: original.key,
    value: original.value,
    headers: {
      ...withoutHeaders(original.headers, isLaneHeader),
      'lane-why': mark.why,
      'lane-topic': mark.origin.topic,
      'lane-partition': String(mark.origin.partition),
      'lane-offset': String(mark.origin.offset),
      'lane-reason': mark.reason,
      'lane-not-before': String(mark.notBefore),
      'lane-attempts': String(mark.attempts),
      'lane-brownout-ms': String(Math.floor(mark.brownoutMs ?? 0)),
      'lane-first-seen-at': String(mark.firstSeenAt),
      'lane-passes': String(mark.passes),
      'lane-redrives': String(mark.redrives),
    },
  }
}

/** The mark of a lane record and the original's own headers; null when it does not say where it came from. */
export function readLane(record: SourceRecord): { readonly mark: LaneMark; readonly headers: RawHeaders } | null {
  const text = (name: string) => headerText(record.headers, name)
  const number = (name: string, fallback: number) => {
    const value = Number(text(name) ?? Number.NaN)
    return Number.isSafeInteger(value) && value >= 0 ? value : fallback
  }
  const why = text('lane-why')
  const topic = text('lane-topic')
  const partition = number('lane-partition', -1)
  const offset = number('lane-offset', -1)
  if (why === undefined || !WHYS.includes(why) || !topic || partition < 0 || offset < 0) return null
  return {
    mark: {
      why: why as LaneWhy,
      origin: { topic, partition, offset },
      reason: text('lane-reason') ?? '',
      notBefore: number('lane-not-before', 0),
      attempts: number('lane-attempts', 0),
      brownoutMs: number('lane-brownout-ms', 0),
      firstSeenAt: number('lane-first-seen-at', record.timestamp),
      passes: number('lane-passes', 0),
      redrives: number('lane-redrives', 0),
    },
    headers: withoutHeaders(record.headers, isLaneHeader),
  }
}
