import { partitionOf } from '@sync/shared/kafka/partition-of'
import type { SourceRecord } from '@sync/shared/kafka/ports'
import { keyOf } from '@sync/shared/kafka/publisher'
import { isContractTopic, TOPICS, type TopicName } from '@sync/shared/kafka/topics'
import type { Command } from 'commander'
import { type Cluster, withCluster } from './cluster.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { readValue } from './read-value.ts'
import { refuse } from './refuse.ts'
import { select } from './selectors.ts'
import { counted, duration, jsonList, painter, type Terminal, titled } from './terminal.ts'
import { eventOf, type Related, type TraceEvent } from './trace-events.ts'

interface Options {
  readonly tenant: string
  readonly customer: string
  readonly since?: number
  readonly until?: number
  readonly json?: boolean
}

const SINCE_MS = 7 * 86_400_000
/** More of them are nobody's story. */
const MAX_RELATED = 50

/** `syncctl trace`. */
export function addTrace(program: Command, terminal: Terminal, end: (code: ExitCode) => void): void {
  program
    .command('trace')
    .description('everything that happened to a customer, in the order of time')
    .addOption(select.tenant().makeOptionMandatory())
    .addOption(select.customer().makeOptionMandatory())
    .addOption(select.since())
    .addOption(select.until())
    .addOption(select.json())
    .addHelpText(
      'after',
      `
Reads only the partitions that the customer's records are on, from seven days ago unless --since says otherwise. The
notifications of the customer's orders, and what the parents of a company were told of it, are shown too.
Examples:
  syncctl trace --tenant acme-no --customer 1000 --since 2h
  syncctl trace --tenant acme-no --customer 1000 --json | jq '.[] | select(.event == "ended")'`,
    )
    .action(async (options: Options) => {
      const events = await withCluster(terminal, (cluster) => trace(cluster, options))
      if (options.json) terminal.out(jsonList(events))
      else terminal.out(describe(events, terminal))
      if (events.length === 0) {
        terminal.err(`Nothing is known of customer ${options.customer} of tenant ${options.tenant} in that time.\n`)
      }
      end(EXIT.ok)
    })
}

const TRACED = TOPICS.map(({ name }) => name).filter((name) => name !== 'sync.cursors.v1')

async function trace(cluster: Cluster, options: Options): Promise<TraceEvent[]> {
  const { tenant, customer, since, until } = options
  if (since !== undefined && until !== undefined && since >= until) {
    refuse('--since must come before --until.')
  }
  if (cluster.tenants() !== null) cluster.tenant(tenant)
  const partitions = await cluster.partitions()
  const related: Related = { orders: new Set(), parents: new Set() }
  const own = await eventsOf(cluster, options, TRACED, [keyOf(tenant, customer)], partitions, related, () => true)
  const orders = [...related.orders].slice(-MAX_RELATED).map((id) => keyOf(tenant, id))
  const parents = [...related.parents].filter((id) => id !== customer)
  const parentKeys = parents.slice(-MAX_RELATED).map((id) => keyOf(tenant, id))
  const rest = { orders: new Set<string>(), parents: new Set<string>() }
  const ofOrders = await eventsOf(
    ...([cluster, options, ['flow.notifications.v1', 'omnium.notifications.v1'], orders, partitions, rest] as const),
    () => true,
  )
  const told = new Set<string>()
  const ofParents = await eventsOf(
    ...([cluster, options, ['company.parent-changes.v1', 'sync.outcomes.v1'], parentKeys, partitions, rest] as const),
    (event, value) => {
      const place = `${event.topic}/${event.partition}/${event.offset}`
      const isOurs = event.event === 'child-changed' && (value as { child?: unknown }).child === customer
      if (isOurs) told.add(place)
      return isOurs || (event.event === 'ended' && event.service === 'relation-manager')
    },
  )
  const aboutUs = ofParents.filter(({ event, record }) => event !== 'ended' || told.has(record ?? ''))
  return [...own, ...ofOrders, ...aboutUs].sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
}

async function eventsOf(
  cluster: Cluster,
  { since, until }: Options,
  topics: readonly TopicName[],
  keys: readonly string[],
  partitions: number,
  related: Related,
  keep: (event: TraceEvent, value: unknown) => boolean,
): Promise<TraceEvent[]> {
  if (keys.length === 0) return []
  const wanted = new Set(keys)
  const on = new Set(keys.map((key) => partitionOf(key, partitions)))
  const ranges = await cluster.ranges(topics, {
    from: { time: since ?? Date.now() - SINCE_MS },
    ...(until !== undefined && { to: { time: until + 1 } }),
  })
  const records: SourceRecord[] = []
  await cluster.read({
    ranges: ranges.filter(({ partition }) => on.has(partition)),
    take(record) {
      if (record.key !== null && wanted.has(record.key.toString('utf8'))) records.push(record)
    },
  })
  const events: TraceEvent[] = []
  for (const record of records) {
    const topic = record.topic.slice(cluster.prefix.length) as TopicName
    const value = isContractTopic(topic) ? await readValue(cluster, topic, record) : undefined
    const event = eventOf(topic, record, value, related, cluster.prefix)
    if (event !== null && keep(event, value)) events.push(event)
  }
  return events
}

function describe(events: readonly TraceEvent[], terminal: Terminal): string {
  if (events.length === 0) return ''
  const rows = events.map(({ at, service, event, what, version, latencyMs, durationMs, topic, partition, offset }) => [
    at,
    service,
    event,
    what,
    [
      version === undefined ? '' : `v ${version}`,
      latencyMs === undefined ? '' : `${duration(latencyMs)} after the change`,
      durationMs === undefined ? '' : `took ${duration(durationMs)}`,
    ]
      .filter((text) => text !== '')
      .join(', '),
    `${topic}/${partition}/${offset}`,
  ])
  const table = titled(terminal, ['TIME', 'SERVICE', 'EVENT', 'WHAT', 'WHEN', 'RECORD'], rows)
  return `${table}${painter(terminal)('dim', counted(events.length, 'event'))}\n`
}
