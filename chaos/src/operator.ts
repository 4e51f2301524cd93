import type { Producer } from 'kafkajs'
import type { ReplayTopic } from './operations.ts'
import { patiently } from './patiently.ts'
import { DEAD_LETTERS, readTopics, type StoredRecord } from './records.ts'
import type { System } from './system.ts'

/** What an engineer does at the topics. All of it waits for the broker, when that is away. */
export interface Operator {
  /** Copies shares of a topic to the retry topic of the service that reads it. Answers how many records. */
  replay(topic: ReplayTopic, from: number, to: number): Promise<number>
  /** Sends the dead letters of these keys to their service's retry topic, each once. Answers how many. */
  redrive(keys: ReadonlySet<string>): Promise<number>
  write(
    topic: string,
    key: string | null,
    value: Buffer,
  ): Promise<{ readonly partition: number; readonly offset: number }>
  /** How many records so far. */
  readonly counts: { replayed: number; redriven: number }
  stop(): Promise<void>
}

const READER = {
  'flow.customers.v1': 'customer-mapper',
  'omnium.orders.v1': 'customer-mapper',
  'company.parent-changes.v1': 'relation-manager',
} as const
export function createOperator(system: System): Operator {
  const { kafka, prefix } = system
  const producer: Producer = kafka.producer({ retry: { retries: 20, maxRetryTime: 2_000 } })
  let connected: Promise<void> | null = null
  const redriven = new Set<string>()
  const counts = { replayed: 0, redriven: 0 }

  const send = (topic: string, record: Omit<Parameters<Producer['send']>[0]['messages'][number], 'timestamp'>) =>
    patiently(async () => {
      connected ??= producer.connect()
      await connected.catch((error: unknown) => {
        connected = null
        throw error
      })
      const [answer] = await producer.send({ topic: prefix + topic, acks: -1, messages: [record] })
      return { partition: answer!.partition, offset: Number(answer!.baseOffset) }
    })
  const toLane = (service: string, record: StoredRecord, mark: Readonly<Record<string, string>>) => {
    const own = Object.entries(record.headers).filter(([name]) => !/^(dl|lane)-/.test(name))
    return send(`${service}.retry.v1`, {
      ...{ key: record.key, value: record.value, partition: record.partition },
      headers: { ...Object.fromEntries(own), ...mark },
    })
  }

  return {
    counts,
    async replay(topic, from, to) {
      const records = await patiently(() => readTopics(system, [topic]))
      const range = records.slice(Math.floor(from * records.length), Math.ceil(to * records.length))
      for (const record of range) {
        await toLane(READER[topic], record, {
          'lane-why': 'replayed',
          'lane-topic': prefix + topic,
          'lane-partition': String(record.partition),
          'lane-offset': String(record.offset),
        })
      }
      counts.replayed += range.length
      return range.length
    },
    async redrive(keys) {
      const letters = await patiently(() => readTopics(system, DEAD_LETTERS))
      const those = letters.filter(({ key, topic, partition, offset }) => {
        const place = `${topic}/${partition}/${offset}`
        if (key === null || !keys.has(key) || redriven.has(place)) return false
        redriven.add(place)
        return true
      })
      for (const letter of those) {
        const text = (name: string) => letter.headers[name]?.toString() ?? ''
        await toLane(letter.topic.replace('.dead-letters.v1', ''), letter, {
          'lane-why': 'redriven',
          'lane-topic': text('dl-topic'),
          'lane-partition': text('dl-partition'),
          'lane-offset': text('dl-offset'),
          'lane-redrives': String(Number(text('dl-redrives')) + 1),
        })
      }
      counts.redriven += those.length
      return those.length
    },
    write: (topic, key, value) => send(topic, { key, value }),
    async stop() {
      if (connected !== null) await producer.disconnect()
    },
  }
}
