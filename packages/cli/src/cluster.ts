import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type ConfigOf, cliEnv, readConfig } from '@sync/shared/config'
import { type Contracts, createContracts } from '@sync/shared/contracts/registry'
import { SyncError } from '@sync/shared/errors'
import { createKafka } from '@sync/shared/kafka/connect'
import { denialOf, reasonOf } from '@sync/shared/kafka/denials'
import { partitionOf } from '@sync/shared/kafka/partition-of'
import type { RawMessage } from '@sync/shared/kafka/ports'
import { type BatchedProducer, createProducer } from '@sync/shared/kafka/producer'
import { createPublisher, keyOf, type Publisher } from '@sync/shared/kafka/publisher'
import { type ReadRangesOptions, readRanges, type TopicRange } from '@sync/shared/kafka/read-ranges'
import type { TopicName } from '@sync/shared/kafka/topics'
import { parseTenants, type Tenant, type Tenants } from '@sync/shared/tenants'
import { readText } from '@sync/shared/tenants-file'
import { newEventId, newTraceparent } from '@sync/shared/tracing'
import type { Admin, Kafka } from 'kafkajs'
import { z } from 'zod'
import { refuse } from './refuse.ts'
import type { Position } from './selectors.ts'
import type { Terminal } from './terminal.ts'

export type CliConfig = ConfigOf<typeof cliEnv>

/** What the environment's settings lead to. */
export interface Cluster {
  readonly config: CliConfig
  readonly kafka: Kafka
  readonly admin: Admin
  readonly contracts: Contracts
  readonly prefix: string
  /** Aborts when whoever runs the command has had enough. */
  readonly signal: AbortSignal
  /** By TENANTS_FILE; null when that isn't set. Throws SyncError `config-invalid`. */
  tenants(): Tenants | null
  /** Throws SyncError `config-invalid` without TENANTS_FILE, wrong usage for a tenant that it doesn't name. */
  tenant(uid: string): Tenant
  /** Partitions of our topics. Throws SyncError `topic-missing`. */
  partitions(): Promise<number>
  /** The partition of the selected customer's records, on all topics; undefined when none is selected. */
  partitionOf(selected: CustomerSelection): Promise<number | undefined>
  /** Of these topics' partitions, what lies between two positions; without `to`, up to what is there now. */
  ranges(topics: readonly TopicName[], where: RangeWish): Promise<TopicRange[]>
  read(options: Pick<ReadRangesOptions, 'ranges' | 'take'> & { readonly signal?: AbortSignal }): Promise<void>
  /** Writes records with acks=all, several times if need be. Throws SyncError `kafka-unavailable`. */
  send(messages: readonly RawMessage[]): Promise<void>
  publisher(): Promise<Publisher>
}

export interface CustomerSelection {
  readonly tenant?: string | undefined
  readonly customer?: string | undefined
}

export interface RangeWish {
  readonly from: Position
  readonly to?: Position | undefined
  /** Absent: all. */
  readonly partition?: number | undefined
}

const ClusterEnv = z.object(cliEnv)
const PRODUCE_DEADLINE_MS = 10_000
const SEND_ATTEMPTS = 6
const SEND_PAUSE_MS = 2_000

/** Connects to the environment's Kafka, runs `work` and disconnects. Throws SyncError `config-invalid` or `kafka-unavailable`. */
export async function withCluster<T>(terminal: Terminal, work: (cluster: Cluster) => Promise<T>): Promise<T> {
  const { cluster, connect, close } = openCluster(terminal)
  try {
    await connect()
    return await work(cluster)
  } finally {
    await close()
  }
}

/** A cluster that is not connected yet, for a command that can do a part of its work without Kafka. */
export interface OpenCluster {
  readonly cluster: Cluster
  /** Throws SyncError `kafka-unavailable`. */
  connect(): Promise<void>
  close(): Promise<unknown>
}

/** Throws SyncError `config-invalid`. */
export function openCluster(terminal: Terminal): OpenCluster {
  const config = readConfig(ClusterEnv, terminal.env)
  const signal = terminal.signal ?? new AbortController().signal
  const kafka = createKafka(config, { clientId: 'syncctl', retries: 2 })
  const admin = kafka.admin()
  let producer: Promise<BatchedProducer> | null = null
  const connectProducer = () => {
    producer ??= (async () => {
      const made = createProducer({
        kafka: createKafka(config, { clientId: 'syncctl', retries: 0, requestTimeoutMs: PRODUCE_DEADLINE_MS }),
        deadlineMs: PRODUCE_DEADLINE_MS,
      })
      await made.connect()
      return made
    })()
    return producer
  }
  const contracts = createContracts({
    registryUrl: config.schemaRegistryUrl,
    username: config.schemaRegistryUsername,
    password: config.schemaRegistryPassword,
    prefix: config.topicPrefix,
  })
  return {
    cluster: {
      ...{ config, kafka, admin, contracts, signal, prefix: config.topicPrefix },
      ...createTenants(config, terminal),
      ...createReading(kafka, admin, config.topicPrefix, signal),
      async send(messages) {
        await patiently(signal, async () => (await connectProducer()).send(messages))
      },
      async publisher() {
        const made = await connectProducer()
        const { topicPrefix: prefix } = config
        return createPublisher({
          ...{ prefix, newEventId, newTraceparent, source: 'syncctl', now: Date.now },
          producer: { ...made, send: (messages) => patiently(signal, () => made.send(messages)) },
          encode: contracts.codec.encode,
        })
      },
    },
    async connect() {
      await admin.connect().catch((cause: unknown) => {
        const brokers = config.kafkaBrokers.join(', ')
        throw new SyncError('kafka-unavailable', `connecting to Kafka at ${brokers}: ${reasonOf(cause)}`, { cause })
      })
    },
    close: () => Promise.allSettled([admin.disconnect(), producer?.then((it) => it.disconnect())]),
  }
}

/** A broker that is away for a moment fails no long work; one that refuses us would go on refusing. */
async function patiently(signal: AbortSignal, attempt: () => Promise<void>): Promise<void> {
  for (let left = SEND_ATTEMPTS; ; left--) {
    try {
      return await attempt()
    } catch (error) {
      const isAway = error instanceof SyncError && error.code === 'kafka-unavailable' && denialOf(error) === null
      if (!isAway || left <= 1 || signal.aborted) throw error
      await delay(SEND_PAUSE_MS, undefined, { signal }).catch(() => {})
    }
  }
}

function createTenants({ tenantsFile }: CliConfig, terminal: Terminal): Pick<Cluster, 'tenants' | 'tenant'> {
  let read: Tenants | null | undefined
  const tenants = (): Tenants | null => {
    if (read === undefined) read = tenantsFile === undefined ? null : parseTenants(readText(tenantsFile), terminal.env)
    return read
  }
  return {
    tenants,
    tenant(uid) {
      const all = tenants()
      if (all === null) throw new SyncError('config-invalid', 'reading the environment: TENANTS_FILE: must be set')
      const found = all.get(uid)
      if (found === undefined) {
        const known = all.all().map((tenant) => tenant.uid)
        refuse(`unknown tenant '${uid}'; known: ${known.join(', ')}`)
      }
      return found
    },
  }
}

function createReading(
  kafka: Kafka,
  admin: Admin,
  prefix: string,
  signal: AbortSignal,
): Pick<Cluster, 'partitions' | 'partitionOf' | 'ranges' | 'read'> {
  // They never change.
  let asked: Promise<number> | undefined
  const partitions = () => (asked ??= offsetsOf(admin, prefix, 'sync.outcomes.v1').then(({ length }) => length))
  return {
    partitions,
    async partitionOf({ tenant, customer }) {
      if (tenant === undefined || customer === undefined) return undefined
      return partitionOf(keyOf(tenant, customer), await partitions())
    },
    async ranges(topics, { from, to, partition }) {
      const found = await Promise.all(
        topics.map(async (topic) => {
          const [bounds, starts, ends] = await Promise.all([
            offsetsOf(admin, prefix, topic),
            byTime(admin, prefix + topic, from),
            to === undefined ? null : byTime(admin, prefix + topic, to),
          ])
          return bounds.flatMap((bound): TopicRange[] => {
            if (partition !== undefined && bound.partition !== partition) return []
            const start = offsetAt(from, bound, starts)
            const end = to === undefined ? bound.high : offsetAt(to, bound, ends)
            if (start === null || end === null) return []
            const range = { from: Math.max(start, bound.low), to: Math.min(end, bound.high) }
            return range.from < range.to ? [{ topic: prefix + topic, partition: bound.partition, ...range }] : []
          })
        }),
      )
      return found.flat()
    },
    async read({ ranges, take, signal: own = signal }) {
      const groupId = `${prefix}syncctl.${randomUUID()}`
      try {
        await readRanges({ kafka, ranges, groupId, take, signal: own })
      } finally {
        await admin.deleteGroups([groupId]).catch(() => [])
      }
    },
  }
}

interface Bound {
  readonly partition: number
  readonly low: number
  readonly high: number
}

async function offsetsOf(admin: Admin, prefix: string, topic: TopicName): Promise<Bound[]> {
  try {
    const offsets = await admin.fetchTopicOffsets(prefix + topic)
    return offsets
      .map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }))
      .sort((a, b) => a.partition - b.partition)
  } catch (cause) {
    const { type } = cause as { type?: string }
    if (type === 'UNKNOWN_TOPIC_OR_PARTITION') {
      throw new SyncError('topic-missing', `reading ${prefix}${topic}: it doesn't exist; run: npx syncctl topics apply`)
    }
    throw new SyncError('kafka-unavailable', `asking for the offsets of ${prefix}${topic}: ${reasonOf(cause)}`, {
      cause,
    })
  }
}

async function byTime(admin: Admin, topic: string, position: Position): Promise<Map<number, number> | null> {
  if (!('time' in position)) return null
  const found = await admin.fetchTopicOffsetsByTimestamp(topic, position.time)
  return new Map(found.map(({ partition, offset }) => [partition, Number(offset)]))
}

function offsetAt(
  position: Position,
  { partition, low, high }: Bound,
  found: Map<number, number> | null,
): number | null {
  if ('time' in position) return found?.get(partition) ?? high
  if ('end' in position) return position.end === 'earliest' ? low : high
  return position.offsets.get(partition) ?? position.all ?? null
}
