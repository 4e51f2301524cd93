import { expect, it } from 'vitest'
import { untilAtRest } from './rest.ts'

/** An admin whose services have committed `committed` of 5 records, and that fails as long as there are failures left. */
function admin({ committed = 5, failures = 0 } = {}) {
  let left = failures
  const answer = async <V>(value: V): Promise<V> => {
    // As kafkajs fails while a partition has no leader that it knows of.
    if (left-- > 0)
      throw new TypeError("Cannot destructure property 'partitions' of 'high.pop(...)' as it is undefined.")
    return value
  }
  return {
    fetchTopicOffsets: () => answer([{ partition: 0, high: '5' }]),
    fetchOffsets: ({ topics }: { topics: string[] }) =>
      answer(topics.map((topic) => ({ topic, partitions: [{ partition: 0, offset: String(committed) }] }))),
  } as unknown as Parameters<typeof untilAtRest>[0]
}

it('services are at rest once they have committed all, also if a leader moves meanwhile', async () => {
  await untilAtRest(admin({ failures: 1 }), 'p.', AbortSignal.timeout(10_000))
})

it('says who is behind when the time is over, or that Kafka does not answer', async () => {
  await expect(untilAtRest(admin({ committed: 4 }), 'p.', AbortSignal.abort())).rejects.toThrow('flow-ingest')
  await expect(untilAtRest(admin({ failures: 1_000 }), 'p.', AbortSignal.abort())).rejects.toThrow('partitions')
})
