import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLogger } from '../logger.ts'
import { createFakeSource } from '../testing/fake-source.ts'
import { patience, runs } from '../testing/runs.ts'
import { encodeRanges } from './ended-ranges.ts'
import { createPartitions } from './partitions.ts'
import type { Pending } from './pending.ts'

const TOPICS = ['flow.customers.v1', 'customer-mapper.retry.v1'] as const

describe('a gained partition', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** What had ended past the mark of a topic, as its former owner wrote it. */
  const ranges = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 1, max: 2_000 })), { maxLength: 40 })
    .map((steps) => {
      let at = 0
      const all = steps.map(([distance, length]) => {
        const from = at + distance
        at = from + length
        return { from, to: at }
      })
      return encodeRanges(0, all, 3_000)
    })

  it('is claimed and starts, however little metadata the broker takes beside the owner', patience, async () => {
    await fc.assert(
      fc.asyncProperty(fc.tuple(ranges, ranges), fc.integer({ min: 0, max: 40 }), async (former, room) => {
        const before = former.map((text) => (text === '' ? 'released' : `released\t${text}`))
        const source = createFakeSource(TOPICS)
        await source.commit(
          TOPICS.map((topic, index) => ({ topic, partition: 0, offset: 0, metadata: before[index]! })),
        )
        // It took what is there.
        const limit = Math.max(room, ...before.map(({ length }) => length), 'owned one '.length + 8)
        const refused = Object.assign(new Error('too large'), { type: 'OFFSET_METADATA_TOO_LARGE' })
        const handedOut: Pending[] = []
        const partitions = createPartitions({
          source: {
            ...source,
            commit: async (offsets) => {
              if (offsets.some(({ metadata }) => metadata.length > limit)) throw refused
              await source.commit(offsets)
            },
          },
          topics: TOPICS,
          instanceId: 'one',
          drainMs: 20_000,
          logger: createLogger({ service: 'test', level: 'silent' }),
          now: Date.now,
          handOut: (records) => void handedOut.push(...records),
          isIdle: () => true,
          isAllTold: () => true,
          onEnds: () => {},
          onShorterLog() {},
          onFormerLog() {},
        })

        void partitions.assigned([0], [])
        // Records that are read before the ids of the topics are known are read again.
        await vi.advanceTimersByTimeAsync(1)
        const record = { topic: TOPICS[0], partition: 0, offset: 0, key: null, value: null, headers: {}, timestamp: 0 }
        partitions.receive(
          { topic: TOPICS[0], partition: 0, records: [record], lastOffset: 0, endOffset: 1 },
          (_, state) => {
            return { state, offset: 0, bytes: 1 } as Pending
          },
        )
        await vi.advanceTimersByTimeAsync(3_000)

        expect(handedOut).toHaveLength(1)
        expect(TOPICS.map((topic) => source.commits.findLast((each) => each.topic === topic)?.metadata)).toEqual(
          TOPICS.map(() => expect.stringMatching(/^owned one /)),
        )
      }),
      runs(50),
    )
  })
})
