import { randomUUID } from 'node:crypto'
import type { Codec } from '@sync/shared/contracts/codec'
import type { ValueOf } from '@sync/shared/contracts/contracts'
import { CONTRACT_TOPICS, type ContractTopic, type TopicName } from '@sync/shared/kafka/topics'
import type { Consumer, Kafka } from 'kafkajs'

export interface ReadRecord<V = unknown> {
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  readonly bytes: Buffer | null
  readonly headers: Readonly<Record<string, string>>
  /** Decoded where the topic has a contract and the bytes keep it. */
  readonly value: V | null
}

/** All records of topics, from their beginning on. */
export interface TopicReader {
  /** Starts reading the topic at the first call; answers what has come so far. */
  records<T extends TopicName>(topic: T): Promise<readonly ReadRecord<T extends ContractTopic ? ValueOf<T> : unknown>[]>
  /** The offsets that a group has committed, by partition. */
  committed(group: string, topic: TopicName): Promise<Map<number, number>>
  ends(topic: TopicName): Promise<Map<number, number>>
  /** Whether the group has committed all that is there now. */
  isCommitted(group: string, topic: TopicName): Promise<boolean>
  /** Writes a record as it is. */
  write(
    topic: TopicName,
    record: { key: string | null; value: Buffer | null; headers?: Record<string, string> },
  ): Promise<void>
  stop(): Promise<void>
}

export function createTopicReader({
  kafka,
  codec,
  prefix,
}: {
  kafka: Kafka
  codec: Codec
  prefix: string
}): TopicReader {
  const seen = new Map<TopicName, Promise<ReadRecord[]>>()
  const consumers: Consumer[] = []
  const admin = kafka.admin()
  const connected = admin.connect()
  const producer = kafka.producer()
  let producing: Promise<void> | null = null

  const read = async (topic: TopicName): Promise<ReadRecord[]> => {
    const records: ReadRecord[] = []
    const consumer = kafka.consumer({ groupId: `${prefix}reader-${randomUUID()}`, maxWaitTimeInMs: 100 })
    consumers.push(consumer)
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      console.error(`reader of ${topic} crashed${payload.restart ? ' and starts again' : ''}:`, payload.error)
    })
    await consumer.connect()
    await consumer.subscribe({ topics: [prefix + topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        const contract = (CONTRACT_TOPICS as readonly string[]).includes(topic) && message.value !== null
        const value = contract ? await codec.decode(topic as ContractTopic, message.value!).catch(() => null) : null
        records.push({
          partition,
          offset: Number(message.offset),
          key: message.key?.toString() ?? null,
          bytes: message.value,
          headers: Object.fromEntries(
            Object.entries(message.headers ?? {}).map(([name, text]) => [name, String(text)]),
          ),
          value,
        })
      },
    })
    return records
  }

  return {
    records(topic) {
      let reading = seen.get(topic)
      if (reading === undefined) {
        reading = read(topic)
        seen.set(topic, reading)
      }
      return reading as never
    },
    async committed(group, topic) {
      await connected
      const [offsets] = await admin.fetchOffsets({ groupId: prefix + group, topics: [prefix + topic] })
      return new Map(offsets!.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
    },
    async ends(topic) {
      await connected
      const offsets = await admin.fetchTopicOffsets(prefix + topic)
      return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]))
    },
    async isCommitted(group, topic) {
      // The broker may load the group just now, or look for its own part in the cluster after the machine stood still.
      const committed = await this.committed(group, topic).catch((error: { retriable?: boolean }) => {
        if (error.retriable !== true) throw error
        return null
      })
      if (committed === null) return false
      return [...(await this.ends(topic))].every(([partition, end]) => end === 0 || committed.get(partition) === end)
    },
    async write(topic, { key, value, headers = {} }) {
      producing ??= producer.connect()
      await producing
      await producer.send({ topic: prefix + topic, acks: -1, messages: [{ key, value, headers }] })
    },
    async stop() {
      await Promise.allSettled([...consumers.map((consumer) => consumer.disconnect()), producer.disconnect()])
      await connected
      await admin.disconnect()
    },
  }
}
