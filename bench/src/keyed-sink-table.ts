import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { startStack } from '@sync/sandbox/stack'
import { createKafka } from '@sync/shared/kafka/connect'
import { CompressionTypes, type Kafka } from 'kafkajs'
import type { DrainResult } from './keyed-sink.ts'

interface Case {
  readonly name: string
  readonly partitions: number
  readonly records: number
  readonly keys: number
  readonly sinkMs: number
  readonly maxInFlight: number
  readonly coalesce?: boolean
  /** All records in one compressed batch. */
  readonly inOneBatch?: boolean
}

const CASES: readonly Case[] = [
  { name: 'sink 100 ms, 100 in flight', partitions: 6, records: 20_000, keys: 5_000, sinkMs: 100, maxInFlight: 100 },
  { name: 'sink 20 ms, 100 in flight', partitions: 6, records: 50_000, keys: 5_000, sinkMs: 20, maxInFlight: 100 },
  { name: 'the same, 1 partition', partitions: 1, records: 50_000, keys: 5_000, sinkMs: 20, maxInFlight: 100 },
  { name: 'sink 20 ms, 500 in flight', partitions: 6, records: 100_000, keys: 5_000, sinkMs: 20, maxInFlight: 500 },
  { name: 'the same, 1 partition', partitions: 1, records: 100_000, keys: 5_000, sinkMs: 20, maxInFlight: 500 },
  {
    name: '100,000 records, 10,000 keys, coalesced',
    partitions: 6,
    records: 100_000,
    keys: 10_000,
    sinkMs: 20,
    maxInFlight: 100,
    coalesce: true,
  },
  {
    name: '100,000 records, 1 key, 1 batch, coalesced',
    partitions: 1,
    records: 100_000,
    keys: 1,
    sinkMs: 20,
    maxInFlight: 100,
    coalesce: true,
    inOneBatch: true,
  },
  {
    name: '1,000,000 records of backlog',
    partitions: 6,
    records: 1_000_000,
    keys: 5_000,
    sinkMs: 20,
    maxInFlight: 500,
  },
]

interface SinkStats {
  readonly calls: number
  readonly violations: number
  readonly keys: number
  readonly marks: readonly number[]
}

/** Runs the cases (all, or those whose name contains `only`) on a stack of its own, each drain and each sink as a process, and prints a table. */
export async function keyedSinkTable(only = ''): Promise<void> {
  const stack = await startStack({ log: console.error })
  try {
    const kafka = createKafka({ kafkaBrokers: stack.brokers, kafkaSsl: false } as never, { clientId: 'bench-fill' })
    const rows: Record<string, string | number>[] = []
    const cases = CASES.filter(({ name }) => name.includes(only))
    for (const [index, each] of cases.entries())
      rows.push(await runCase(each, `keyed-sink-${index}`, kafka, stack.brokers))
    console.table(rows)
  } finally {
    await stack.stop()
  }
}

async function runCase(each: Case, topic: string, kafka: Kafka, brokers: readonly string[]) {
  console.error(`${each.name}: filling ${each.records} records`)
  await fill(kafka, topic, each)
  const sink = spawn(process.execPath, [join(import.meta.dirname, 'sink.ts'), String(each.sinkMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const [url] = (await once(createInterface(sink.stdout), 'line')) as [string]
    const { result, peakRssMb, cpuSeconds } = await drainInProcess(each, topic, url, brokers)
    const stats = (await (await fetch(`${url}/stats`)).json()) as SinkStats
    const limit = (each.maxInFlight * 1000) / each.sinkMs
    return {
      case: each.name,
      'calls/s': Math.round(stats.calls / result.seconds),
      'of limit': `${Math.round((stats.calls / result.seconds / limit) * 100)} %`,
      seconds: result.seconds,
      'calls/key': Math.round((stats.calls / stats.keys) * 100) / 100,
      'out of order': stats.violations,
      'CPU µs/record': Math.round((cpuSeconds * 1e6) / each.records),
      'peak RSS MB': peakRssMb,
      'loop delay p99, max ms': `${result.loopDelayMs.p99}, ${result.loopDelayMs.max}`,
      'last/first 100k': ratioOfRates(stats.marks),
    }
  } finally {
    sink.kill()
    await once(sink, 'exit')
  }
}

function ratioOfRates(marks: readonly number[]): string {
  if (marks.length < 2) return '–'
  const firstMs = marks[0]!
  const lastMs = marks.at(-1)! - marks.at(-2)!
  return (firstMs / lastMs).toFixed(2)
}

async function fill(
  kafka: Kafka,
  topic: string,
  { partitions, records, keys, inOneBatch = false }: Case,
): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    topics: [{ topic, numPartitions: partitions, replicationFactor: 1 }],
    waitForLeaders: true,
  })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  const size = inOneBatch ? records : 5_000
  const compression = inOneBatch ? CompressionTypes.GZIP : CompressionTypes.None
  for (let from = 0; from < records; from += size) {
    const messages = Array.from({ length: Math.min(size, records - from) }, (_, i) => ({
      key: `customer-${(from + i) % keys}`,
      value: JSON.stringify({ n: from + i, pad: 'x'.repeat(100) }),
    }))
    await producer.send({ topic, acks: -1, compression, messages })
  }
  await producer.disconnect()
}

async function drainInProcess(each: Case, topic: string, url: string, brokers: readonly string[]) {
  const args = ['keyed-sink', '--brokers', brokers.join(','), '--topic', topic, '--url', url]
  args.push('--max-in-flight', String(each.maxInFlight), '--group', `${topic}-group`)
  if (each.coalesce) args.push('--coalesce')
  const child = spawn(process.execPath, [...process.execArgv, join(import.meta.dirname, 'main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let peakRssMb = 0
  let cpuSeconds = 0
  const sampling = setInterval(async () => {
    const of = (file: string) => readFile(`/proc/${child.pid}/${file}`, 'utf8').catch(() => '')
    const [status, stat] = [await of('status'), await of('stat')]
    peakRssMb = Math.max(peakRssMb, Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024))
    // utime and stime, in ticks of 10 ms.
    const [user = 0, system = 0] = stat.split(') ')[1]?.split(' ').slice(11, 13).map(Number) ?? []
    cpuSeconds = Math.max(cpuSeconds, (user + system) / 100)
  }, 100)
  try {
    const [line] = (await Promise.race([
      once(createInterface(child.stdout), 'line'),
      once(child, 'exit').then(() => {
        throw new Error(`draining ${topic} failed`)
      }),
    ])) as [string]
    return { result: JSON.parse(line) as DrainResult, peakRssMb, cpuSeconds }
  } finally {
    clearInterval(sampling)
    if (child.exitCode === null) await once(child, 'exit')
  }
}
