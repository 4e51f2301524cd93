import { setTimeout as delay } from 'node:timers/promises'
import type { TopicRange } from '@sync/shared/kafka/read-ranges'
import { SERVICES, type ServiceName, TOPICS, type TopicName } from '@sync/shared/kafka/topics'
import { type Command, Option } from 'commander'
import { type Cluster, withCluster } from './cluster.ts'
import { readLetters } from './dead-letter-records.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { select } from './selectors.ts'
import { counted, duration, jsonList, painter, type Terminal, titled } from './terminal.ts'

interface Options {
  readonly service?: ServiceName
  readonly watch?: boolean
  readonly all?: boolean
  readonly json?: boolean
}

/** One partition of a topic, as a service's group stands to it. */
export interface PartitionLag {
  readonly service: ServiceName
  readonly topic: string
  readonly partition: number
  /** Committed by the group; null: it never committed here. */
  readonly committed: number | null
  readonly end: number
  readonly lag: number
  /** Age of the first record that has not ended, ms; null when there is none. */
  readonly oldestWaitingMs: number | null
  /** Dead letters of this partition that nobody has dealt with. */
  readonly parked: number
}

const EVERY_MS = 2_000

/** `syncctl lag`. */
export function addLag(program: Command, terminal: Terminal, end: (code: ExitCode) => void): void {
  program
    .command('lag')
    .description('what each service has before it: records behind, age of the oldest, and what was set aside')
    .addOption(select.service())
    .addOption(new Option('--watch', 'show it again every two seconds').conflicts('json'))
    .option('--all', 'also partitions without anything before them')
    .addOption(select.json())
    .addHelpText(
      'after',
      `
The JSON lists every partition. Lag counts records behind the low-water mark; some of them may have ended already.
Examples:
  syncctl lag
  syncctl lag --service customer-mapper --watch
  syncctl lag --json | jq '[.[].lag] | add'`,
    )
    .action(async (options: Options) => {
      await withCluster(terminal, async (cluster) => {
        do {
          const found = await readLag(cluster, options.service)
          if (options.watch && terminal.isTTY && !options.json) terminal.out('\u001b[2J\u001b[H')
          terminal.out(options.json ? jsonList(found) : describe(found, options, terminal))
          if (options.watch) await delay(EVERY_MS, undefined, { signal: cluster.signal }).catch(() => {})
        } while (options.watch && !cluster.signal.aborted)
      })
      end(EXIT.ok)
    })
}

const topicsOf = (service: ServiceName): TopicName[] => [
  ...TOPICS.filter(({ name, readers }) => readers.includes(service) && name !== 'sync.cursors.v1').map(
    ({ name }) => name,
  ),
]

export async function readLag(cluster: Cluster, only?: ServiceName): Promise<PartitionLag[]> {
  const services = only === undefined ? SERVICES : [only]
  const parked = new Map<string, number>()
  for (const { service, topic, partition, state } of await readLetters(cluster, { service: only })) {
    const place = `${service} ${topic} ${partition}`
    if (state === 'parked') parked.set(place, (parked.get(place) ?? 0) + 1)
  }
  const found: Omit<PartitionLag, 'oldestWaitingMs'>[] = []
  for (const service of services) found.push(...(await lagOf(cluster, service, parked)))
  const ages = await oldestOf(cluster, found)
  return found.map((it) => ({
    ...it,
    oldestWaitingMs: ages.get(`${cluster.prefix}${it.topic}/${it.partition}`)?.(it) ?? null,
  }))
}

async function lagOf(cluster: Cluster, service: ServiceName, parked: ReadonlyMap<string, number>) {
  const { admin, prefix } = cluster
  const topics = topicsOf(service)
  const everything = await cluster.ranges(topics, { from: { end: 'earliest' } })
  const committed = await admin.fetchOffsets({
    groupId: prefix + service,
    topics: topics.map((topic) => prefix + topic),
  })
  const bounds = new Map(everything.map((range) => [`${range.topic}/${range.partition}`, range]))
  return committed.flatMap(({ topic, partitions }) =>
    partitions.map(({ partition, offset }) => {
      const name = topic.slice(prefix.length)
      const bound = bounds.get(`${topic}/${partition}`)
      const at = Number(offset) < 0 ? null : Number(offset)
      const from = Math.max(at ?? 0, bound?.from ?? 0)
      const ends = bound?.to ?? at ?? 0
      return {
        ...{ service, topic: name, partition, committed: at, end: ends },
        lag: bound === undefined ? 0 : Math.max(0, ends - from),
        parked: parked.get(`${service} ${name} ${partition}`) ?? 0,
      }
    }),
  )
}

/** How old the record at each low-water mark is. */
async function oldestOf(cluster: Cluster, lags: readonly Omit<PartitionLag, 'oldestWaitingMs'>[]) {
  const ranges = lags
    .filter(({ lag }) => lag > 0)
    .map(({ topic, partition, lag, end }): TopicRange => {
      const from = end - lag
      return { topic: cluster.prefix + topic, partition, from, to: from + 1 }
    })
  const writtenAt = new Map<string, (it: { lag: number }) => number | null>()
  const now = Date.now()
  await cluster.read({
    ranges,
    take({ topic, partition, timestamp }) {
      writtenAt.set(`${topic}/${partition}`, ({ lag }) => (lag > 0 ? Math.max(0, now - timestamp) : null))
    },
  })
  return writtenAt
}

function describe(found: readonly PartitionLag[], { all }: Options, terminal: Terminal): string {
  const shown = found.filter(({ lag, parked }) => all || lag > 0 || parked > 0)
  const rows = shown.map(({ service, topic, partition, lag, oldestWaitingMs, parked }) => [
    service,
    topic,
    String(partition),
    String(lag),
    oldestWaitingMs === null ? '' : duration(oldestWaitingMs),
    parked === 0 ? '' : String(parked),
  ])
  const paint = painter(terminal)
  const sums = SERVICES.filter((service) => found.some((it) => it.service === service)).map((service) => {
    const own = found.filter((it) => it.service === service)
    const lag = own.reduce((sum, it) => sum + it.lag, 0)
    const oldest = Math.max(0, ...own.map((it) => it.oldestWaitingMs ?? 0))
    const parked = own.reduce((sum, it) => sum + it.parked, 0)
    const waits = lag === 0 ? 'nothing waits' : `${counted(lag, 'record')} behind, the oldest ${duration(oldest)} old`
    return `${paint('bold', service.padEnd(17))} ${waits}${parked > 0 ? paint('red', `, ${parked} parked`) : ''}`
  })
  const head = ['SERVICE', 'TOPIC', 'PARTITION', 'LAG', 'OLDEST', 'PARKED']
  return `${titled(terminal, head, rows)}${sums.join('\n')}\n`
}
