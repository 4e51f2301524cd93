import type { Mark } from './commit-metadata.ts'
import { createOffsetTracker, type OffsetTracker } from './offsets.ts'
import type { Pending } from './pending.ts'

/** One topic's partition in one tenure. */
export interface PartitionState {
  readonly topic: string
  readonly partition: number
  readonly tracker: OffsetTracker
  /** When the log began anew in this tenure (ms by the steady clock). 0 if it did not. */
  readonly logSince: number
  /** The renewals of all topics of the partition, see `Gate.renewed`. */
  readonly renewed: ReadonlyMap<string, number>
  endOffset: number
  /** The furthest mark that all outcomes are acknowledged of; null before anything was read. Never goes back. */
  told: Mark | null
  /** By us; null before the first time. */
  committed: Mark | null
}

/** A partition number in one tenure: closed until its former owner can't write any more and our claim is committed. */
export interface Gate {
  open: boolean
  readonly states: Map<string, PartitionState>
  /** Read and waiting for the gate. */
  held: Pending[]
  heldBytes: number
  /** What the group had committed when we gained it, by topic: kept under our claim until we get further. */
  readonly base: Map<string, Mark>
  /** What had ended by then, by topic: the same, or more when we had it before and nobody since. */
  readonly known: Map<string, Mark>
  /** The id of each topic when the offsets that are known of it began. Another id means that the offsets are of a former log. */
  readonly topicIds: Map<string, string>
  /**
   * Topics whose log began anew since we gained the partition, with the ms of the steady clock at that time. The committed offsets of
   * such a topic are of the former log.
   */
  readonly renewed: Map<string, number>
  /** The state of each topic before its log began anew for the last time. */
  readonly former: Map<string, PartitionState>
  /** Whether the committed offsets were looked up. Until then it is not known to which log the read positions belong. */
  areCommitsKnown: boolean
  claiming: boolean
  /** Why and how often the broker has refused our claim since it last took a claim. null if it has refused none. */
  refused: { readonly refusals: number; readonly topics: readonly string[]; readonly problem: string } | null
  /**
   * A topic of the open gate was created again, and Kafka has deleted the commits of the former topic. A new owner that finds no claim
   * would not wait. The next commit claims the partition again.
   */
  isClaimLost: boolean
  /** Released before a join; to be claimed again if it stays ours. */
  handedOver: boolean
  /** Not before this (ms): the drain deadline of a former owner that did not release it. null while not known. */
  startAt: number | null
}

export const createGate = (): Gate => ({
  open: false,
  states: new Map(),
  held: [],
  heldBytes: 0,
  base: new Map(),
  known: new Map(),
  topicIds: new Map(),
  renewed: new Map(),
  former: new Map(),
  areCommitsKnown: false,
  claiming: false,
  refused: null,
  isClaimLost: false,
  handedOver: false,
  startAt: null,
})

/** null before anything was read. */
export function markOf({ tracker }: PartitionState, maxRangesLength: number): Mark | null {
  const offset = tracker.lowWaterMark()
  return offset === null ? null : { offset, ended: tracker.endedPastMark(maxRangesLength) }
}

export const restoreMark = ({ tracker }: PartitionState, { offset, ended }: Mark): void =>
  tracker.restore(offset, ended)

/** All that has ended behind a gate, by topic. */
export const endedOf = ({ states }: Gate): ReadonlyMap<string, Mark> =>
  new Map(
    [...states].flatMap(([topic, state]) => {
      const mark = markOf(state, Number.POSITIVE_INFINITY)
      return mark === null ? [] : [[topic, mark] as const]
    }),
  )

/** Records to hand out, or a mark to commit: what had ended before may be all that there is. */
export const hasWork = ({ held, states, base }: Gate): boolean =>
  held.length > 0 ||
  [...states].some(([topic, { tracker }]) => (tracker.lowWaterMark() ?? 0) > (base.get(topic)?.offset ?? 0))

/** The state of a topic's log of which nothing was read yet. */
export function createState(gate: Gate, topic: string, partition: number, endOffset: number): PartitionState {
  const logSince = gate.renewed.get(topic) ?? 0
  const { renewed } = gate
  return {
    ...{ topic, partition, logSince, renewed, endOffset },
    ...{ tracker: createOffsetTracker(), told: null, committed: null },
  }
}

/**
 * Forgets the read position in a topic's log, because all of the log is read again. Records of the former log that have not
 * ended keep their state and are handled as before.
 */
export function renew(gate: Gate, topic: string, nowMs: number): void {
  const former = gate.states.get(topic)
  if (former !== undefined) gate.former.set(topic, former)
  gate.renewed.set(topic, nowMs)
  for (const byTopic of [gate.states, gate.base, gate.known, gate.topicIds]) byTopic.delete(topic)
}

/** Forgets the records for which `isGone` holds of those that wait for the gate. */
export function dropHeld(gate: Gate, isGone: (record: Pending) => boolean): void {
  gate.held = gate.held.filter((record) => !isGone(record))
  gate.heldBytes = gate.held.reduce((sum, { bytes }) => sum + bytes, 0)
}

export const isSame = (a: Mark, b: Mark | null): boolean => a.offset === b?.offset && a.ended === b.ended

export async function sleepUntil(at: number, now: () => number): Promise<void> {
  const waitMs = at - now()
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
}
