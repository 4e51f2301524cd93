import { SyncError } from '@sync/shared/errors'
import type { SourceRecord } from '@sync/shared/kafka/ports'
import { keyOf } from '@sync/shared/kafka/publisher'
import { TOPICS, type TopicName } from '@sync/shared/kafka/topics'
import { newEventId, newTraceparent } from '@sync/shared/tracing'
import type { Command } from 'commander'
import { type Cluster, withCluster } from './cluster.ts'
import { confirm } from './confirm.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { callFor, withTargets } from './peers.ts'
import { readValue } from './read-value.ts'
import { readPair } from './reconcile-look.ts'
import { select } from './selectors.ts'
import { counted, jsonList, painter, type Terminal, titled } from './terminal.ts'
import { topicConfigValue } from './topic-config.ts'

interface Options {
  readonly tenant: string
  readonly customer: string
  readonly yes?: boolean
  readonly json?: boolean
}

/** Where records of a person still are, and until when Kafka keeps them. */
export interface Held {
  readonly topic: string
  readonly records: number
  readonly newestAt: string
  /** ISO 8601: the newest of them is deleted after this; null: compacted, gone after its tombstone. */
  readonly until: string | null
}

/** The compacted topics that hold people. */
const SNAPSHOTS = ['flow.customers.v1', 'omnium.customers.v1'] as const

/** `syncctl erase`. */
export function addErase(program: Command, terminal: Terminal, end: (code: ExitCode) => void): void {
  program
    .command('erase')
    .description('have Kafka forget a person, and say until when something of them is left')
    .addOption(select.tenant().makeOptionMandatory())
    .addOption(select.customer().makeOptionMandatory())
    .addOption(select.yes())
    .addOption(select.json())
    .addHelpText(
      'after',
      `
Writes tombstones to the compacted topics. Topics that delete by age keep what they hold until it is old enough: the
report says which, and until when. It erases nothing in Flow or Omnium: erase there first, or the next change brings the
person back. It says so when the customer is still there, which needs TENANTS_FILE to be asked.
Examples:
  syncctl erase --tenant acme-no --customer 1000
  syncctl erase --tenant acme-no --customer 1000 --yes --json`,
    )
    .action(async (options: Options) => end(await erase(options, terminal)))
}

async function erase(options: Options, terminal: Terminal): Promise<ExitCode> {
  const { tenant, customer } = options
  return withCluster(terminal, async (cluster) => {
    const warning = await warningOf(cluster, options)
    if (warning !== null) terminal.err(`${painter(terminal)('yellow', warning)}\n`)
    if ((await heldOf(cluster, options)).length === 0) {
      if (options.json) terminal.out(jsonList([]))
      terminal.err(`No topic holds anything of customer ${customer} of tenant ${tenant}: nothing to erase.\n`)
      return EXIT.ok
    }
    const what = `All snapshots of customer ${customer} of tenant ${tenant} get a tombstone.`
    if (!(await confirm(terminal, what, options.yes))) return EXIT.ok
    const key = keyOf(tenant, customer)
    await cluster.send(
      SNAPSHOTS.map((topic) => ({
        ...{ topic: cluster.prefix + topic, key, value: null },
        headers: {
          ...{ 'event-id': newEventId(), source: 'syncctl' },
          ...{ 'occurred-at': new Date().toISOString(), traceparent: newTraceparent() },
        },
      })),
    )
    const held = await heldOf(cluster, options)
    if (options.json) terminal.out(jsonList(held))
    else terminal.out(describe(held, options, terminal))
    return EXIT.ok
  })
}

/** Why the person may come back. */
async function warningOf(cluster: Cluster, options: Options): Promise<string | null> {
  const unknown = 'Whether Flow or Omnium still have the customer is not known'
  if (cluster.tenants() === null) return `${unknown}: TENANTS_FILE is not set.`
  cluster.tenant(options.tenant)
  try {
    const where = await stillIn(cluster, options)
    if (where.length === 0) return null
    return `Customer ${options.customer} is still in ${where.join(' and ')}: erase it there too, or its next change brings it back.`
  } catch (error) {
    if (!(error instanceof SyncError) || cluster.signal.aborted) throw error
    return `${unknown}: ${error.message}.`
  }
}

async function stillIn(cluster: Cluster, { tenant: uid, customer }: Options): Promise<string[]> {
  const call = callFor(cluster.tenant(uid), keyOf(uid, customer), cluster.signal)
  const {
    flow,
    private: asPerson,
    business,
  } = await withTargets(cluster, (targets) => readPair(targets, call, customer))
  return [...(flow === null ? [] : ['Flow']), ...(asPerson === null && business === null ? [] : ['Omnium'])]
}

/** What the topics hold of the customer: records of its key, and notifications of its orders. */
async function heldOf(cluster: Cluster, { tenant, customer }: Options): Promise<Held[]> {
  const own = keyOf(tenant, customer)
  const orders = new Set<string>()
  const found = new Map<TopicName, { records: number; newest: number }>()
  const note = (topic: TopicName, { timestamp }: SourceRecord) => {
    const known = found.get(topic) ?? { records: 0, newest: 0 }
    found.set(topic, { records: known.records + 1, newest: Math.max(known.newest, timestamp) })
  }
  const partition = await cluster.partitionOf({ tenant, customer })
  const topics: TopicName[] = TOPICS.map(({ name }) => name).filter((name) => name !== 'sync.cursors.v1')
  await cluster.read({
    ranges: await cluster.ranges(topics, { from: { end: 'earliest' }, partition }),
    async take(record) {
      if (record.key?.toString('utf8') !== own || record.value === null) return
      const topic = record.topic.slice(cluster.prefix.length) as TopicName
      note(topic, record)
      if (topic !== 'omnium.orders.v1' && topic !== 'flow.orders.v1') return
      const order = (await readValue(cluster, topic, record)) as { id?: string } | null | undefined
      if (order?.id !== undefined) orders.add(keyOf(tenant, order.id))
    },
  })
  if (orders.size > 0) {
    const ofOrders = ['flow.notifications.v1', 'omnium.notifications.v1'] as const
    await cluster.read({
      ranges: await cluster.ranges(ofOrders, { from: { end: 'earliest' } }),
      take(record) {
        if (!orders.has(record.key?.toString('utf8') ?? '')) return
        note(record.topic.slice(cluster.prefix.length) as TopicName, record)
      },
    })
  }
  const inOrder = [...found].sort(([a], [b]) => topics.indexOf(a) - topics.indexOf(b))
  return Promise.all(
    inOrder.map(async ([topic, { records, newest }]): Promise<Held> => {
      const retentionMs = Number(await topicConfigValue(cluster, topic, 'retention.ms'))
      const isCompacted = (SNAPSHOTS as readonly string[]).includes(topic)
      const newestAt = new Date(newest).toISOString()
      const until = isCompacted || !(retentionMs > 0) ? null : new Date(newest + retentionMs).toISOString()
      return { topic, records, newestAt, until }
    }),
  )
}

function describe(held: readonly Held[], { tenant, customer }: Options, terminal: Terminal): string {
  const done = painter(terminal)('bold', `Tombstones written for customer ${customer} of tenant ${tenant}.`)
  if (held.length === 0) return `${done}\nNo topic holds anything else of them.\n`
  const rows = held.map(({ topic, records, newestAt, until }) => [
    topic,
    counted(records, 'record'),
    newestAt,
    until ?? 'the next compaction past min.compaction.lag.ms',
  ])
  return `${done}\n${titled(terminal, ['STILL HELD BY', 'RECORDS', 'NEWEST', 'GONE AFTER'], rows)}`
}
