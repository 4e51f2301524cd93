import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { SyncError } from '@sync/shared/errors'
import { createKafka } from '@sync/shared/kafka/connect'
import { createConsumer } from '@sync/shared/kafka/consumer'
import { mendKafkaJs } from '@sync/shared/kafka/kafkajs-fixes'
import { createRuntime } from '@sync/shared/kafka/runtime'
import type { ContractTopic } from '@sync/shared/kafka/topics'
import { createLogger } from '@sync/shared/logger'
import { done } from '@sync/shared/outcome'
import { steadyNow } from '@sync/shared/steady-now'
import type { StreamHandler } from '@sync/shared/stream'
import type { Tenant } from '@sync/shared/tenants'
import { createPutter } from './put.ts'

export interface DrainOptions {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly url: string
  readonly maxInFlight: number
  readonly group: string
  readonly coalesce: boolean
}

export interface DrainResult {
  /** Those that this run handled. */
  readonly records: number
  /** From the first record's hand-over to the handler to the acknowledged commit of the last one. */
  readonly seconds: number
  readonly perSecond: number
  /** The delay of the event loop of this process, sampled every ms. 1 in 100 samples is above `p99`. */
  readonly loopDelayMs: { readonly p99: number; readonly max: number }
  readonly committed: true
}

const POLL_MS = 20
const MAX_ATTEMPTS = 4

/** Drains a topic through the runtime: a PUT for each record, or for the newest of a key batch, ordered by key. */
export async function drain(options: DrainOptions): Promise<DrainResult> {
  mendKafkaJs()
  const { topic, group, maxInFlight, coalesce } = options
  // Standard output is for the result.
  const logger = createLogger({ service: 'bench', level: 'error', destination: process.stderr })
  const kafka = createKafka({ kafkaBrokers: [...options.brokers], kafkaSsl: false } as never, {
    clientId: 'bench',
    logger,
  })
  const admin = kafka.admin()
  await admin.connect()
  const ends = (await admin.fetchTopicOffsets(topic)).map(({ partition, low, high }) => ({
    partition,
    low: Number(low),
    high: Number(high),
  }))
  let records = 0
  let failure: Error | null = null
  const interrupt = () => {
    failure ??= new Error('interrupted: what had ended is committed')
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt)
  const base = new URL(options.url)
  const sink = createPutter(base.origin, maxInFlight)
  const path = `${base.pathname.replace(/\/$/, '')}/customers/`
  const tenant = { uid: 'bench' } as Tenant
  let firstAt: number | null = null
  let committedAt = 0
  const handler: StreamHandler = {
    service: 'customer-mapper',
    topics: [topic as ContractTopic],
    classify: () => ({ group: coalesce ? 'state' : null, version: '', targets: [] }),
    async handle(deliveries) {
      firstAt ??= performance.now()
      for (const { key, value } of deliveries)
        await sink.put(path + encodeURIComponent(key), value as unknown as Buffer)
      return deliveries.map(() => done())
    },
  }
  const source = createConsumer({
    kafka,
    groupId: group,
    topics: [topic],
    instanceId: `bench-${process.pid}`,
    sessionTimeoutMs: 30_000,
    logger,
  })
  const runtime = createRuntime({
    service: 'customer-mapper',
    prefix: '',
    instanceId: `bench-${process.pid}`,
    hasRetryLane: false,
    splitKey: (key) => ({ tenant: tenant.uid, id: key }),
    handler,
    source: {
      ...source,
      async commit(offsets) {
        await source.commit(offsets)
        committedAt = performance.now()
      },
    },
    decode: async (_topic, bytes) => bytes,
    send: async () => {
      failure ??= new Error(`a record was refused by the sink ${MAX_ATTEMPTS} times`)
      throw new SyncError('kafka-unavailable', 'this benchmark has no topics to park in')
    },
    tenants: () => ({ get: () => tenant, all: () => [tenant] }),
    circuits: { admit: () => ({ admitted: true }), onChange: () => {} },
    outcomes: { add() {}, flush: async () => {}, size: 0 },
    metrics: {
      ended() {
        records++
      },
      retried() {},
      parked() {},
      notRemoved() {},
      logShortened() {},
      endToEnd() {},
    },
    observeHandling() {},
    maxAttempts: MAX_ATTEMPTS,
    limits: {
      maxInFlight,
      // Reading far ahead pays only where what is read together costs one call.
      maxPendingRecords: coalesce ? 100_000 : Math.max(10_000, 10 * maxInFlight),
      maxPendingBytes: 64 * 1024 * 1024,
      maxDistance: 100_000,
      deferAfterMs: 60_000,
      commitIntervalMs: 1_000,
      sessionTimeoutMs: 30_000,
      requestDeadlineMs: 10_000,
      watchdogMs: 0,
    },
    logger,
    now: steadyNow,
    wallNow: Date.now,
    random: Math.random,
    onFatal(error) {
      throw error
    },
  })
  const loopDelay = monitorEventLoopDelay({ resolution: 1 })
  await runtime.start()
  loopDelay.enable()
  const left = new Set(ends.filter(({ low, high }) => high > low).map(({ partition }) => partition))
  const isDrained = () =>
    runtime.lag().filter(({ partition, records: lag }) => left.has(partition) && lag === 0).length === left.size
  while (!isDrained() && failure === null) await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  loopDelay.disable()
  await runtime.stop(10_000)
  if (failure !== null) throw failure
  const seconds = firstAt === null ? 0 : (committedAt - firstAt) / 1000
  const [committed] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
  for (const { partition, high, low } of ends) {
    const offset = Number(committed!.partitions.find((each) => each.partition === partition)?.offset)
    if (high > low && offset < high) throw new Error(`partition ${partition} is committed to ${offset}, not ${high}`)
  }
  await admin.disconnect()
  await sink.close()
  const perSecond = seconds === 0 ? 0 : round(records / seconds)
  const loopDelayMs = { p99: round(loopDelay.percentile(99) / 1e6), max: round(loopDelay.max / 1e6) }
  return { records, seconds: round(seconds), perSecond, loopDelayMs, committed: true }
}

const round = (value: number) => Math.round(value * 100) / 100

/**
 * `npm run bench -- keyed-sink --brokers B --topic T --url U --max-in-flight N [--group G] [--coalesce]` prints one JSON
 * line; without `--brokers` it measures a table of cases (those whose name contains `--only TEXT`) on a stack of its own.
 */
export async function keyedSink(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      brokers: { type: 'string' },
      topic: { type: 'string' },
      url: { type: 'string' },
      'max-in-flight': { type: 'string', default: '100' },
      group: { type: 'string' },
      coalesce: { type: 'boolean', default: false },
      only: { type: 'string' },
    },
  })
  const { brokers, topic, url } = values
  if (brokers === undefined) return (await import('./keyed-sink-table.ts')).keyedSinkTable(values.only)
  if (topic === undefined || url === undefined) {
    throw new Error('usage: keyed-sink --brokers B --topic T --url U --max-in-flight N [--group G] [--coalesce]')
  }
  const result = await drain({
    brokers: brokers.split(','),
    topic,
    url,
    maxInFlight: Number(values['max-in-flight']),
    group: values.group ?? `keyed-sink-${process.pid}`,
    coalesce: values.coalesce,
  })
  console.log(JSON.stringify(result))
}
