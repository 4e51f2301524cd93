import { keyOf } from '@sync/shared/kafka/publisher'
import type { TopicRange } from '@sync/shared/kafka/read-ranges'
import type { ContractTopic } from '@sync/shared/kafka/topics'
import type { Cluster, CustomerSelection } from './cluster.ts'
import { readValue } from './read-value.ts'
import { createSelection, type Selected } from './selection.ts'

/** Records in memory at once, of which the newest of each state are kept. */
const SELECTION_BYTES = 64 * 1024 * 1024
const TOLD_EVERY = 500

/** Reads ranges and hands on the newest of each state of the selected keys, whenever the memory for it is full. */
export async function withSelected(
  cluster: Cluster,
  ranges: readonly TopicRange[],
  { tenant, customer }: CustomerSelection,
  onRead: (records: number) => void,
  work: (selected: readonly Selected[]) => Promise<void>,
): Promise<void> {
  const selection = createSelection(SELECTION_BYTES)
  const isWanted = keyFilter(tenant, customer)
  let seen = 0
  await cluster.read({
    ranges,
    async take(record) {
      if (++seen % TOLD_EVERY === 0) onRead(seen)
      if (!isWanted(record.key)) return
      const topic = record.topic.slice(cluster.prefix.length) as ContractTopic
      selection.add(topic, record, await readValue(cluster, topic, record))
      if (selection.isFull) await work(selection.take())
    },
  })
  onRead(seen)
  await work(selection.take())
}

function keyFilter(tenant: string | undefined, customer: string | undefined): (key: Buffer | null) => boolean {
  if (tenant === undefined) return () => true
  if (customer !== undefined) return (key) => key?.equals(Buffer.from(keyOf(tenant, customer))) === true
  const start = Buffer.from(keyOf(tenant, ''))
  return (key) => key?.subarray(0, start.length).equals(start) === true
}
