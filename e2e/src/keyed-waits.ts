import type { TopicName } from '@sync/shared/kafka/topics'
import { eventually } from './eventually.ts'
import { lost } from './keyed-check.ts'
import type { KeyedLoad } from './keyed-load.ts'
import type { KeyedSink } from './keyed-sink.ts'
import type { TopicReader } from './topic-reader.ts'

/** What a test waits for, and what it looks at in the end. */
export interface KeyedWaits {
  /** Resolves once every record that was written before this call took effect. */
  untilApplied(withinMs?: number): Promise<void>
  /** Records set aside, as `partition/offset reason`. */
  parked(): Promise<readonly string[]>
  /** Resolves once the group's commits reach the ends of the input and the retry lane. */
  untilCommitted(withinMs?: number): Promise<void>
}

const GROUP = 'customer-mapper'
const DEAD_LETTERS = 'customer-mapper.dead-letters.v1'
const READ: readonly TopicName[] = ['flow.customers.v1', 'customer-mapper.retry.v1']

export function createKeyedWaits({
  load,
  sink,
  topics,
}: {
  load: KeyedLoad
  sink: KeyedSink
  topics: TopicReader
}): KeyedWaits {
  /** Ends other than `done` of the keys of these records: why they took no effect. */
  const otherEnds = async (records: readonly string[]) =>
    (await topics.records('sync.outcomes.v1')).flatMap(({ value }) =>
      value !== null &&
      value.outcome !== 'done' &&
      records.some((text) => text.startsWith(`${value.tenant}:${value.id} `))
        ? [`${value.id} ${value.partition}/${value.offset} ${value.lane}: ${value.outcome} ${value.reason}`]
        : [],
    )

  return {
    async untilApplied(withinMs) {
      await topics.records('sync.outcomes.v1')
      const written = load.written.slice()
      const missing = () => lost(written, sink.calls)
      const what = 'the effects of all that was written'
      await eventually(what, () => missing().length === 0, withinMs).catch(async (error) => {
        const left = missing()
        const ends = (await otherEnds(left)).slice(-20)
        throw new Error(`${error.message}; missing: ${left.slice(0, 20).join(', ')}; ends: ${ends.join(', ')}`)
      })
    },
    async parked() {
      const letters = await topics.records(DEAD_LETTERS)
      const written = [...(await topics.ends(DEAD_LETTERS)).values()].reduce((sum, end) => sum + end)
      await eventually('all dead letters being read', () => letters.length >= written)
      return letters.map(({ headers }) => `${headers['dl-partition']}/${headers['dl-offset']} ${headers['dl-reason']}`)
    },
    async untilCommitted(withinMs) {
      const isCommitted = (topic: TopicName) => topics.isCommitted(GROUP, topic)
      const all = async () => (await Promise.all(READ.map(isCommitted))).every((is) => is)
      await eventually('the commit of all', all, withinMs)
    },
  }
}
