import { setTimeout as delay } from 'node:timers/promises'
import type { Codec } from '@sync/shared/contracts/codec'
import { partitionOf } from '@sync/shared/kafka/partition-of'
import { keyOf } from '@sync/shared/kafka/publisher'
import type { Kafka } from 'kafkajs'
import { seeded } from './seeded.ts'

/** A record of a key, by its number: ascending from 1 for each key. */
export interface Written {
  readonly tenant: string
  readonly key: string
  readonly n: number
  readonly partition: number
  /** Before the produce that wrote it, by `performance.now()`. */
  readonly at: number
}

/** Snapshots of Flow customers, straight onto their topic. */
export interface KeyedLoad {
  readonly written: readonly Written[]
  partitionOf(tenant: string, key: string): number
  /** The last n of every key of a tenant. */
  newest(tenant: string): ReadonlyMap<string, number>
  /** One record for each name, in that order; resolves when all are acknowledged. */
  write(tenant: string, keys: readonly string[]): Promise<void>
  /** `perTick` records of keys chosen by chance, every `tickMs`, until its `stop`. */
  flow(options: { tenant: string; keys: readonly string[]; seed: number; perTick?: number; tickMs?: number }): {
    stop(): Promise<void>
  }
  close(): Promise<void>
}

export interface KeyedLoadOptions {
  readonly kafka: Kafka
  readonly codec: Codec
  readonly prefix: string
  readonly partitions: number
}

const TOPIC = 'flow.customers.v1'
const BATCH = 2_000
/** Versions are one millisecond apart. */
const FIRST_VERSION = Date.parse('2026-01-01T00:00:00.000Z')

export async function createKeyedLoad({ kafka, codec, prefix, partitions }: KeyedLoadOptions): Promise<KeyedLoad> {
  const producer = kafka.producer({ retry: { retries: 20 } })
  await producer.connect()
  const written: Written[] = []
  const last = new Map<string, number>()
  const partitionsOf = new Map<string, number>()
  const flows = new Set<{ stop(): Promise<void> }>()

  const partition = (tenant: string, key: string): number => {
    const name = keyOf(tenant, key)
    let known = partitionsOf.get(name)
    if (known === undefined) {
      known = partitionOf(name, partitions)
      partitionsOf.set(name, known)
    }
    return known
  }
  const snapshot = (tenant: string, id: string, n: number) => ({
    tenant,
    id,
    version: new Date(FIRST_VERSION + n).toISOString(),
    fetchedAt: new Date().toISOString(),
    notifiedAt: new Date().toISOString(),
    repair: false,
    customer: { customerUid: id, customerType: 'PERSON', n },
  })
  // The wire format's first five bytes name the schema: the same for every record.
  const wireHeader = (await codec.encode(TOPIC, snapshot('t', 'id', 0))).subarray(0, 5)

  const write = async (tenant: string, keys: readonly string[]) => {
    for (let from = 0; from < keys.length; from += BATCH) {
      const at = performance.now()
      const records: Written[] = []
      const messages = keys.slice(from, from + BATCH).map((key) => {
        const name = keyOf(tenant, key)
        const n = (last.get(name) ?? 0) + 1
        last.set(name, n)
        records.push({ tenant, key, n, partition: partition(tenant, key), at })
        const value = Buffer.concat([wireHeader, Buffer.from(JSON.stringify(snapshot(tenant, key, n)))])
        return { key: name, value, partition: partition(tenant, key) }
      })
      // One for each partition: of a send to two brokers that kafkajs repeats because leaders have moved, it leaves records out.
      const sends = [...Map.groupBy(messages, (message) => message.partition).values()].map((each) =>
        producer.send({ topic: prefix + TOPIC, acks: -1, messages: each }),
      )
      await Promise.all(sends)
      for (const record of records) written.push(record)
    }
  }

  return {
    written,
    partitionOf: partition,
    newest: (tenant) => new Map(written.filter((each) => each.tenant === tenant).map(({ key, n }) => [key, n])),
    write,
    flow({ tenant, keys, seed, perTick = 5, tickMs = 20 }) {
      const random = seeded(seed)
      let running = true
      const over = (async () => {
        for (; running; await delay(tickMs)) {
          const chosen = Array.from({ length: perTick }, () => keys[Math.floor(random() * keys.length)]!)
          await write(tenant, chosen)
        }
      })()
      const flow = {
        stop() {
          running = false
          flows.delete(flow)
          return over
        },
      }
      flows.add(flow)
      return flow
    },
    async close() {
      await Promise.allSettled([...flows].map((flow) => flow.stop()))
      await producer.disconnect()
    },
  }
}
