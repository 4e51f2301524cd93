import type { Logger } from '../logger.ts'
import { type Claims, createClaims } from './claims.ts'
import { claimOf, type Mark } from './commit-metadata.ts'
import { createLogPositions, type LogPositions, type LogPositionsOptions, type ShorterLog } from './log-positions.ts'
import { createOffsetCommits } from './offset-commits.ts'
import { createOwnerLookup } from './owner-lookup.ts'
import {
  createGate,
  createState,
  endedOf,
  type Gate,
  hasWork,
  isSame,
  markOf,
  type PartitionState,
  restoreMark,
  sleepUntil,
} from './partition-gate.ts'
import type { Pending } from './pending.ts'
import type { CommitRequest, Source, SourceBatch, SourceRecord } from './ports.ts'
import { createTopicIds } from './topic-ids.ts'

export interface Partitions extends Pick<LogPositions, 'lag' | 'shorterLogs'>, Pick<Claims, 'unclaimed'> {
  /**
   * Before a join, with all sends stopped: commits, and releases the partitions in which nothing is under way, nor may be
   * executed late, so that a new owner need not wait. One commit, sent in this call.
   */
  handOver(): void
  /**
   * Forgets what was lost and prepares what was gained: looks up who had it, waits, claims, then hands out what was read.
   * Answers a promise when something kept was handed over: nothing may be sent until it is claimed again.
   */
  assigned(gained: readonly number[], lost: readonly number[]): Promise<void> | null
  /** Takes in a batch: unknown records become pending by `toPending`, and are handed out now or when the gate opens. */
  receive(batch: SourceBatch, toPending: (record: SourceRecord, state: PartitionState) => Pending): void
  /** See `SourceListener.outOfRange`. */
  outOfRange(topic: string, partition: number, offset: number): void
  /**
   * Commits what has ended by now and was not committed before, once `mayCommit` answers true: the outcomes of what ends
   * meanwhile are not among those that it waited for. `release`: also says that we are done with the idle partitions.
   */
  commit(mayCommit: () => Promise<boolean>, options?: { release?: boolean }): Promise<void>
  states(): readonly PartitionState[]
  /** Every topic's partition that may be read, and the records read of it past its low-water mark. */
  readable(): { topic: string; partition: number; distance: number }[]
  /** Asks where the partitions begin and end, also those that nothing was read of. Never rejects. */
  lookUpOffsets(): Promise<void>
  /** Records that wait for their partition's gate, and their bytes. */
  readonly held: number
  readonly heldBytes: number
}

export interface PartitionsOptions {
  readonly source: Source
  readonly topics: readonly string[]
  readonly instanceId: string
  /** How long a former owner that did not release a partition may still be writing. */
  readonly drainMs: number
  readonly logger: Logger
  readonly now: () => number
  /** Called when a log holds fewer records than were read. All of the log is read again. */
  readonly onShorterLog: (log: ShorterLog) => void
  /** See `LogPositionsOptions.onEnds`. */
  readonly onEnds: LogPositionsOptions['onEnds']
  /** Called when a topic was deleted and created again, with the state of its former log. */
  readonly onFormerLog: (state: PartitionState) => void
  readonly handOut: (records: readonly Pending[]) => void
  /** Whether nothing of a partition is under way, nor may be executed late at a target. */
  readonly isIdle: (partition: number) => boolean
  /** Whether the outcomes of all that has ended are acknowledged. */
  readonly isAllTold: () => boolean
}

/** All of the log is read again. */
const NOTHING: Mark = { offset: 0, ended: '' }

/**
 * Who owns a partition is written in the commit metadata itself: an owner claims it before its first send and releases
 * it after its last. So a partition that was released, or never owned, starts at once, and only one that was taken from a
 * living (or crashed) owner waits until that owner's last request is over.
 */
export function createPartitions(options: PartitionsOptions): Partitions {
  const { source, topics, instanceId, drainMs, logger, now, handOut, isAllTold, isIdle } = options
  const gates = new Map<number, Gate>()
  /** Until when requests of ours may be executed that were aborted when the partition was lost. */
  const sentUntil = new Map<number, number>()
  /** What had ended of a partition when we lost it, by topic: still true when nobody else has claimed it meanwhile. */
  const left = new Map<number, ReadonlyMap<string, Mark>>()
  const claim = claimOf(instanceId, now())
  const commits = createOffsetCommits({ source, logger })
  const { requestsFor } = commits
  const positions = createLogPositions({ ...options, gates })
  const topicIds = createTopicIds({
    ...{ source, topics, gates, logger, now },
    ...{ onRecreated: positions.beginRecreated, onFirstId: positions.readAgain },
  })
  const isOurs = (owner: string) => owner === claim.owned || owner === claim.released
  let claimedAgain = 0

  /**
   * What is committed of a gate's topics, or can be at once: the low-water marks, else what was committed before us. While
   * outcomes are not acknowledged yet, only as far as they are: a crash after such a commit would leave ends untold for
   * good, where without it the records are only handled again. Nothing is known of a partition whose only topic began anew. Its claim
   * stands at the beginning of the new log.
   */
  const marksOf = (gate: Gate): Map<string, Mark> => {
    const marks = new Map(gate.base)
    for (const [topic, state] of gate.states) {
      if (isAllTold()) state.told = markOf(state, commits.maxRangesLength) ?? state.told
      if (state.told !== null) marks.set(topic, state.told)
    }
    if (marks.size === 0) for (const topic of gate.renewed.keys()) marks.set(topic, NOTHING)
    for (const topic of marks.keys()) if (topicIds.isAwaited(gate, topic)) marks.set(topic, NOTHING)
    return marks
  }

  const claims = createClaims({
    gates,
    commit: commits.send,
    requestsFor: (partition, gate) => requestsFor(partition, gate, marksOf(gate), claim.owned),
    logger,
  })

  /** Only the last call goes on. Else each join would add a loop while the broker refuses the claim. */
  const claimAgain = async (handedOver: readonly [number, Gate][]): Promise<void> => {
    const turn = ++claimedAgain
    const kept = () =>
      turn === claimedAgain ? handedOver.filter(([partition, gate]) => gates.get(partition) === gate) : []
    if (await claims.take(kept)) for (const [, gate] of kept()) gate.handedOver = false
  }

  const openGate = async (partition: number, gate: Gate) => {
    if (claims.isStopped || gate.open || gate.claiming || gate.startAt === null || !hasWork(gate)) return
    gate.claiming = true
    try {
      await sleepUntil(gate.startAt, now)
      await topicIds.untilAnswered(() => !claims.isStopped && gates.get(partition) === gate)
      // A topic that was created again may have left nothing to claim the partition for. The next batch opens the gate.
      if (!hasWork(gate)) return
      const isClaimed = await claims.take(() => (gates.get(partition) === gate ? [[partition, gate]] : []))
      if (!isClaimed || gates.get(partition) !== gate) return
    } finally {
      gate.claiming = false
    }
    gate.open = true
    const held = gate.held.filter(({ state, offset }) => state.tracker.isOpen(offset))
    gate.held = []
    gate.heldBytes = 0
    handOut(held)
  }

  const owners = createOwnerLookup({
    ...{ source, topics, gates, topicIds, drainMs, sentUntil, left, isOurs, logger, now },
    openGate: (partition, gate) => void openGate(partition, gate),
  })

  return {
    handOver() {
      const requests: CommitRequest[] = []
      for (const [partition, gate] of gates) {
        if (!gate.open) continue
        gate.handedOver = isIdle(partition)
        requests.push(...requestsFor(partition, gate, marksOf(gate), gate.handedOver ? claim.released : claim.owned))
      }
      if (requests.length === 0) return
      commits.send(requests).catch((error: unknown) => logger.debug({ err: error }, 'the commit before a join failed'))
    },
    assigned(gained, lost) {
      for (const partition of lost) if (!isIdle(partition)) sentUntil.set(partition, now() + drainMs)
      for (const partition of lost) {
        const gate = gates.get(partition)
        gates.delete(partition)
        if (gate?.open) left.set(partition, new Map([...gate.known, ...endedOf(gate)]))
      }
      const fresh = gained.map((partition): [number, Gate] => [partition, createGate()])
      for (const [partition, gate] of fresh) gates.set(partition, gate)
      if (fresh.length > 0) void owners.lookUp(fresh)
      positions.readOn()
      const handedOver = [...gates].filter(([, gate]) => gate.handedOver)
      return handedOver.length === 0 ? null : claimAgain(handedOver)
    },
    receive(batch, toPending) {
      const gate = gates.get(batch.partition)
      if (gate === undefined) return
      let state = gate.states.get(batch.topic)
      if (state === undefined) {
        state = createState(gate, batch.topic, batch.partition, batch.endOffset)
        const known = gate.known.get(batch.topic)
        if (known !== undefined) restoreMark(state, known)
        gate.states.set(batch.topic, state)
      }
      state.endOffset = Math.max(state.endOffset, batch.endOffset)
      const fresh: Pending[] = []
      for (const record of batch.records) {
        if (state.tracker.add(record.offset)) fresh.push(toPending(record, state))
      }
      state.tracker.readTo(batch.lastOffset)
      state.told ??= gate.base.get(batch.topic) ?? markOf(state, commits.maxRangesLength)
      if (gate.open) handOut(fresh)
      else {
        for (const pending of fresh) {
          gate.held.push(pending)
          gate.heldBytes += pending.bytes
        }
        void openGate(batch.partition, gate)
      }
    },
    outOfRange(topic, partition, offset) {
      positions.beginAnew(topic, partition, offset)
      void topicIds.check()
    },
    async commit(mayCommit, { release = false } = {}) {
      if (release) claims.stop()
      else void owners.lookUpAgain()
      const ended: {
        gate: Gate
        requests: CommitRequest[]
        marks: [PartitionState, Mark][]
        isReclaim: boolean
      }[] = []
      for (const [partition, gate] of gates) {
        // What we never sent anything for can be released too, once its former owner can't be sending any more.
        const isDrained = gate.startAt !== null && gate.startAt <= now()
        if (!gate.open && !(release && isDrained)) continue
        const marks: [PartitionState, Mark][] = []
        const byTopic = release || gate.isClaimLost ? marksOf(gate) : new Map<string, Mark>()
        for (const [topic, state] of gate.states) {
          const mark = markOf(state, commits.maxRangesLength)
          if (mark === null || (!release && isSame(mark, state.committed))) continue
          if (topicIds.isAwaited(gate, topic)) {
            void topicIds.check()
            continue
          }
          byTopic.set(topic, mark)
          marks.push([state, mark])
        }
        const owner = release && isIdle(partition) ? claim.released : claim.owned
        ended.push({
          ...{ gate, marks, isReclaim: gate.isClaimLost },
          requests: requestsFor(partition, gate, byTopic, owner),
        })
      }
      if (!(await mayCommit())) return
      for (const { marks } of ended) {
        for (const [state, mark] of marks) if (mark.offset >= (state.told?.offset ?? 0)) state.told = mark
      }
      // A commit is taken from any member of the group, also for a partition that has another owner by now.
      const current = ended.filter(({ gate }) => [...gates.values()].includes(gate))
      const requests = current.flatMap((each) => each.requests)
      if (requests.length === 0) return
      void topicIds.check()
      const reclaimed = current.flatMap(({ gate, isReclaim }) => (isReclaim ? [gate] : []))
      // Before the answer, because another topic may be created again until then.
      for (const gate of reclaimed) gate.isClaimLost = false
      try {
        await commits.send(requests)
      } catch (error) {
        for (const gate of reclaimed) gate.isClaimLost = true
        throw error
      }
      for (const { marks } of current) for (const [state, mark] of marks) state.committed = mark
    },
    readable: () =>
      [...gates].flatMap(([partition, gate]) =>
        topics.map((topic) => ({ topic, partition, distance: gate.states.get(topic)?.tracker.distance() ?? 0 })),
      ),
    async lookUpOffsets() {
      void topicIds.check()
      void owners.lookUpAgain()
      await positions.lookUp()
    },
    unclaimed: claims.unclaimed,
    lag: positions.lag,
    shorterLogs: positions.shorterLogs,
    states: () => [...gates.values()].flatMap((gate) => [...gate.states.values()]),
    get held() {
      let held = 0
      for (const gate of gates.values()) held += gate.held.length
      return held
    },
    get heldBytes() {
      let bytes = 0
      for (const gate of gates.values()) bytes += gate.heldBytes
      return bytes
    },
  }
}
