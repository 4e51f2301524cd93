import { randomUUID } from 'node:crypto'
import { keyOf } from '@sync/shared/kafka/publisher'
import type { TopicRange } from '@sync/shared/kafka/read-ranges'
import { CONTRACT_TOPICS, type ContractTopic, type ServiceName, TOPICS } from '@sync/shared/kafka/topics'
import { type Command, InvalidArgumentError } from 'commander'
import { type Cluster, withCluster } from './cluster.ts'
import { confirm } from './confirm.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { warnWithoutMembers } from './group-members.ts'
import { placeOf, readSent, toLane, unprefixed } from './lane-records.ts'
import { createTally, followOutcomes, type OutcomeEnds, outcomeEnds, summary, type Tally } from './outcomes.ts'
import { createProgress } from './progress.ts'
import { refuse } from './refuse.ts'
import { dryRun } from './replay-dry-run.ts'
import { resetGroup } from './reset-group.ts'
import { withSelected } from './selected-records.ts'
import { type Position, parsePosition, select } from './selectors.ts'
import { openState } from './state.ts'
import { counted, jsonList, type Terminal } from './terminal.ts'

export interface ReplayOptions {
  readonly service: ServiceName
  readonly topic?: readonly string[]
  readonly tenant?: string
  readonly customer?: string
  readonly from: string
  readonly to?: string
  readonly dryRun?: boolean
  readonly resetGroup?: boolean
  readonly showValues?: boolean
  readonly follow?: boolean
  readonly restart?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

const CHUNK_RECORDS = 500

/** `syncctl replay`. */
export function addReplay(program: Command, terminal: Terminal, end: (code: ExitCode) => void): void {
  program
    .command('replay')
    .description('have a service handle a range of a topic again, in key order with live changes')
    .addOption(select.service().makeOptionMandatory())
    .addOption(select.topic())
    .addOption(select.tenant())
    .addOption(select.customer())
    .addOption(select.from().makeOptionMandatory())
    .addOption(select.to())
    .option('--dry-run', 'read the targets, write nothing, and show what would change')
    .option('--reset-group', "instead rewind the service's own group, which must be stopped")
    .option('--no-follow', "don't wait for the ends")
    .option('--restart', 'begin anew instead of going on with an interrupted replay')
    .addOption(select.showValues())
    .addOption(select.yes())
    .addOption(select.json())
    .addHelpText(
      'after',
      `
Without --topic: all topics that the service reads. Without --to: up to what is there now. Of a customer's records of one
kind only the newest is sent. A replayed record is a reason to look at the source again, so nothing newer is undone.
Ctrl-C stops; the same command goes on where it stopped.
Exit code: 0 all have ended (or, with --dry-run, all was decided), 2 some were parked.
Examples:
  syncctl replay --service customer-mapper --topic flow.customers.v1 --from 2h --dry-run
  syncctl replay --service customer-mapper --topic flow.customers.v1 --from 2026-11-25T08:00:00Z --to 2026-11-25T10:00:00Z
  syncctl replay --service relation-manager --topic company.parent-changes.v1 --tenant acme-no --from earliest
  syncctl replay --service customer-mapper --from 0:1200,3:950 --reset-group`,
    )
    .action(async (options: ReplayOptions) => end(await replay(options, terminal)))
}

async function replay(options: ReplayOptions, terminal: Terminal): Promise<ExitCode> {
  const from = position(options.from, '--from')
  const to = options.to === undefined ? undefined : position(options.to, '--to')
  if (options.customer !== undefined && options.tenant === undefined) usage('--customer needs --tenant')
  if (to !== undefined && 'time' in from && 'time' in to && from.time >= to.time) usage('--from must come before --to')
  if (options.dryRun && options.resetGroup) usage('--dry-run and --reset-group exclude each other')
  return withCluster(terminal, async (cluster) => {
    const topics = topicsFor(cluster, options)
    const partitions = await cluster.partitions()
    for (const each of [from, ...(to === undefined ? [] : [to])]) {
      const strange = 'offsets' in each && [...each.offsets.keys()].find((partition) => partition >= partitions)
      if (typeof strange === 'number') usage(`there is no partition ${strange}; there are ${partitions}`)
    }
    if (options.tenant !== undefined && cluster.tenants() !== null) cluster.tenant(options.tenant)
    if (options.resetGroup) return resetGroup(cluster, { ...options, topics, from }, terminal)
    const partition = await cluster.partitionOf(options)
    const ranges = () => cluster.ranges(topics, { from, to, partition })
    if (options.dryRun) return dryRun(cluster, await ranges(), options, terminal)
    return send(cluster, ranges, { ...options, topics }, terminal)
  })
}

const usage = (message: string): never => refuse(`${message}.`)

function position(text: string, option: string): Position {
  try {
    return parsePosition(text)
  } catch (error) {
    if (error instanceof InvalidArgumentError) return usage(`${option} ${error.message.replace(/\.$/, '')}`)
    throw error
  }
}

function topicsFor({ prefix }: Cluster, { service, topic }: ReplayOptions): ContractTopic[] {
  const isRead = (name: ContractTopic) =>
    name !== 'sync.cursors.v1' && TOPICS.some((spec) => spec.name === name && spec.readers.includes(service))
  const own = CONTRACT_TOPICS.filter(isRead)
  if (topic === undefined) return own
  return topic.map((given) => {
    const name = unprefixed(given, prefix)
    const found = own.find((each) => each === name || each === `${name}.v1`)
    return found ?? usage(`${service} doesn't read ${given}; it reads ${own.join(', ')}`)
  })
}

/** A replay that was begun: its ranges are those of its beginning, whenever it goes on. */
interface Begun {
  readonly id: string
  readonly startedAt: string
  readonly ranges: readonly TopicRange[]
  readonly outcomesFrom: OutcomeEnds
}

async function send(
  cluster: Cluster,
  ranges: () => Promise<TopicRange[]>,
  options: ReplayOptions & { readonly topics: readonly ContractTopic[] },
  terminal: Terminal,
): Promise<ExitCode> {
  const { service, tenant, customer, from, to, topics } = options
  const state = openState<Begun>(cluster, 'replay', { service, tenant, customer, from, to, topics })
  const before = options.restart ? null : await state.read()
  const begun: Begun = before ?? {
    id: randomUUID().slice(0, 8),
    startedAt: new Date().toISOString(),
    ranges: await ranges(),
    outcomesFrom: await outcomeEnds(cluster),
  }
  const records = begun.ranges.reduce((sum, range) => sum + range.to - range.from, 0)
  if (records === 0) {
    if (options.json) terminal.out(jsonList([]))
    terminal.err('Nothing to replay: there are no records in that range.\n')
    return EXIT.ok
  }
  if (before === null) {
    const of =
      tenant === undefined ? '' : ` (those of ${customer === undefined ? `tenant ${tenant}` : keyOf(tenant, customer)})`
    const what = `${service} will handle again what ${counted(records, 'record')} of ${topics.join(', ')} say${of}.`
    if (!(await confirm(terminal, what, options.yes))) return EXIT.ok
    await state.write(begun)
  } else {
    terminal.err(`Going on with the replay of ${before.startedAt}; --restart begins anew.\n`)
  }
  await warnWithoutMembers(cluster, service, terminal)

  const sent = new Set<string>()
  if (before !== null) {
    const { startedAt, id } = before
    await readSent(cluster, service, { reason: reasonOf(id), startedAt }, (origin) => void sent.add(placeOf(origin)))
  }
  const read = createProgress(terminal, 'sending')
  try {
    await withSelected(
      cluster,
      begun.ranges,
      options,
      (done) => read.update(done, records),
      async (selected) => {
        const fresh = selected.filter(({ record }) => !sent.has(placeOf(record)))
        for (let i = 0; i < fresh.length; i += CHUNK_RECORDS) {
          cluster.signal.throwIfAborted()
          const chunk = fresh.slice(i, i + CHUNK_RECORDS)
          await cluster.send(
            chunk.map(({ record }) => {
              const { topic, partition, offset } = record
              const origin = { topic, partition, offset }
              return toLane(cluster, service, record, { why: 'replayed', origin, reason: reasonOf(begun.id) })
            }),
          )
          for (const { record } of chunk) sent.add(placeOf(record))
        }
      },
    )
  } finally {
    read.stop()
  }
  if (sent.size === 0) {
    await state.remove()
    if (options.json) terminal.out(jsonList([]))
    terminal.err('Nothing to replay: no record in that range is of that selection.\n')
    return EXIT.ok
  }
  if (options.follow === false) {
    await state.remove()
    if (options.json) terminal.out(jsonList([{ outcome: 'sent', reason: null, records: sent.size }]))
    else terminal.out(`${counted(sent.size, 'record')} sent to ${service}.\n`)
    return EXIT.ok
  }
  const startedAt = Date.now()
  const tally = await follow(cluster, begun.outcomesFrom, sent, terminal)
  await state.remove()
  if (options.json) terminal.out(jsonList(tally.entries()))
  else terminal.out(summary(tally, sent.size, Date.now() - startedAt, terminal))
  return tally.of('parked') > 0 ? EXIT.differences : EXIT.ok
}

const reasonOf = (id: string) => `replay ${id}`

/** Waits until all of them have ended, through deferrals and whatever else delays them. */
async function follow(
  cluster: Cluster,
  from: OutcomeEnds,
  sent: ReadonlySet<string>,
  terminal: Terminal,
): Promise<Tally> {
  const open = new Set(sent)
  const tally = createTally()
  const progress = createProgress(terminal, 'handled')
  progress.update(0, sent.size)
  try {
    await followOutcomes(
      cluster,
      from,
      (outcome) => {
        if (outcome.lane !== 'replayed' || outcome.outcome === 'deferred' || !open.delete(placeOf(outcome))) return
        tally.add(outcome.outcome, outcome.reason)
        progress.update(sent.size - open.size, sent.size)
      },
      () => open.size === 0,
    )
  } finally {
    progress.stop()
  }
  return tally
}
