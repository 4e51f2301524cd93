import { createCustomerMapper } from '@sync/customer-mapper/handler'
import { createRelationManager } from '@sync/relation-manager/handler'
import type { ValueOf } from '@sync/shared/contracts/contracts'
import { SyncError } from '@sync/shared/errors'
import { outcomeOf } from '@sync/shared/failure-outcome'
import { partitionOf } from '@sync/shared/kafka/partition-of'
import { planKey } from '@sync/shared/kafka/plan'
import type { TopicRange } from '@sync/shared/kafka/read-ranges'
import type { ContractTopic } from '@sync/shared/kafka/topics'
import type { Outcome } from '@sync/shared/outcome'
import type { Delivery, StreamHandler } from '@sync/shared/stream'
import type { Cluster } from './cluster.ts'
import { createDryPeers, type DryPeers, type DryWrite } from './dry-peers.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { fieldChanges } from './field-changes.ts'
import { createTally } from './outcomes.ts'
import { callFor, pause, withTargets } from './peers.ts'
import { createProgress } from './progress.ts'
import { refuse } from './refuse.ts'
import type { ReplayOptions } from './replay.ts'
import { withSelected } from './selected-records.ts'
import { counted, duration, jsonList, painter, type Terminal, table } from './terminal.ts'

/** What a replay would do for one record of a customer. */
export interface DryResult {
  readonly tenant: string
  readonly customer: string
  readonly topic: string
  readonly partition: number
  /** null: of a record that the replay itself would publish. */
  readonly offset: number | null
  readonly outcome: string
  readonly reason: string | null
  readonly changes: readonly DryChange[]
}

interface DryChange {
  readonly target: 'flow' | 'omnium'
  readonly operation: 'create' | 'update'
  readonly customer: string
  readonly field: string
  readonly before?: unknown
  readonly after?: unknown
}

/** The rate limit is what holds it back; these only hide the targets' latency. */
const KEYS_AT_ONCE = 50
const ATTEMPTS = 5
const MAX_ROUNDS = 3

/** Decides what a replay would, in this process: reads the targets and writes nothing, anywhere. */
export async function dryRun(
  cluster: Cluster,
  ranges: readonly TopicRange[],
  options: ReplayOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const tenants = cluster.tenants()
  if (tenants === null) throw new SyncError('config-invalid', 'reading the environment: TENANTS_FILE: must be set')
  const records = ranges.reduce((sum, range) => sum + range.to - range.from, 0)
  const startedAt = Date.now()
  const tally = createTally()
  const listed: DryResult[] = []
  let changing = 0
  const take = (result: DryResult) => {
    tally.add(result.outcome, result.reason)
    if (result.changes.length > 0) changing++
    if (options.json) listed.push(result)
    else if (result.changes.length > 0 || result.outcome === 'parked') terminal.out(describe(result, terminal))
  }
  const progress = createProgress(terminal, 'decided')
  let decided = 0
  try {
    await withTargets(cluster, async (targets) => {
      await withSelected(
        cluster,
        ranges,
        options,
        () => {},
        async (selected) => {
          const peers = createDryPeers(targets)
          const runner = { cluster, handler: handlerOf(options, peers, cluster), peers, options, take }
          const keys = new Map<string, Delivery[]>()
          for (const { record, value } of selected) {
            const key = record.key?.toString('utf8') ?? ''
            const topic = record.topic.slice(cluster.prefix.length) as ContractTopic
            const delivery = deliveryOf(cluster, topic, key, value, record)
            if ('customer' in delivery) take(delivery)
            else keys.set(key, [...(keys.get(key) ?? []), delivery])
          }
          progress.update(decided, decided + keys.size)
          const total = decided + keys.size
          await decideAll(runner, keys, () => progress.update(++decided, total))
        },
      )
    })
  } finally {
    progress.stop()
  }
  if (options.json) terminal.out(jsonList(listed))
  const rows = tally.rows().map(([name, n]) => [name, String(n)])
  const sum = `${counted(changing, 'record')} of ${counted(decided, 'customer')} would change something; ${counted(records, 'record')} looked at in ${duration(Date.now() - startedAt)}. Nothing was written.`
  const say = options.json ? terminal.err : terminal.out
  say(`${rows.length > 0 ? `${table(rows)}\n` : ''}${painter(terminal)('bold', sum)}\n`)
  return EXIT.ok
}

function handlerOf({ service }: ReplayOptions, peers: DryPeers, { config }: Cluster): StreamHandler {
  // No write is sent, so the deadline is never used.
  const requestDeadlineMs = 10_000
  if (service === 'customer-mapper') {
    return createCustomerMapper(peers, { requestDeadlineMs }) as unknown as StreamHandler
  }
  if (service === 'relation-manager') {
    const { parentConfirmMs, parentWaitMs } = config
    const random = Math.random
    const limits = {
      random,
      parentConfirmMs,
      parentWaitMs,
      requestDeadlineMs: Math.min(requestDeadlineMs, parentConfirmMs * 0.4),
    }
    return createRelationManager({ ...peers, ...limits }) as unknown as StreamHandler
  }
  return refuse(`${service} decides nothing that --dry-run could show.`)
}

interface Runner {
  readonly cluster: Cluster
  readonly handler: StreamHandler
  readonly peers: DryPeers
  readonly options: ReplayOptions
  readonly take: (result: DryResult) => void
}

/** Several keys at once, the records that they would publish for other keys afterwards. */
async function decideAll(runner: Runner, keys: ReadonlyMap<string, Delivery[]>, onKey: () => void): Promise<void> {
  let round = keys
  for (let n = 0; n < MAX_ROUNDS && round.size > 0; n++) {
    const published = new Map<string, Delivery[]>()
    const open = round.entries()
    const worker = async () => {
      for (const [key, deliveries] of open) {
        runner.cluster.signal.throwIfAborted()
        await decideKey(runner, key, deliveries, published)
        if (n === 0) onKey()
      }
    }
    // One at a time where a decision is seen by the next: a company's write is what its parents look at.
    const workers = runner.options.service === 'relation-manager' ? 1 : KEYS_AT_ONCE
    await Promise.all(Array.from({ length: workers }, worker))
    round = published
  }
}

async function decideKey(
  { cluster, handler, peers, options, take }: Runner,
  key: string,
  deliveries: readonly Delivery[],
  published: Map<string, Delivery[]>,
): Promise<void> {
  const { tenant, id } = deliveries[0]!
  const plan = planKey(
    deliveries.map((delivery) => ({
      record: { delivery, origin: { ...delivery.origin, offset: Number(delivery.origin.offset) } },
      classified: handler.classify(delivery),
    })),
  )
  const resultOf = (delivery: Delivery, outcome: Outcome, changes: readonly DryChange[]): DryResult => ({
    tenant: tenant.uid,
    customer: id,
    topic: delivery.topic,
    partition: delivery.origin.partition,
    offset: delivery.origin.offset < 0n ? null : Number(delivery.origin.offset),
    ...wordsOf(outcome),
    changes,
  })
  for (const { record, outcome } of plan.ends) take(resultOf(record.delivery, outcome, []))
  // Of several records of one key each has its own decision, so that its changes are its own.
  for (const { record, older } of plan.leads) {
    const outcome = await decided(handler, record.delivery, key, cluster)
    take(resultOf(record.delivery, outcome, changesOf(peers.takeWrites(key), options.showValues ?? false)))
    for (const each of older) take(resultOf(each.delivery, { kind: 'skipped', reason: 'superseded' }, []))
  }
  const partitions = await cluster.partitions()
  for (const message of peers.takeMessages()) {
    if (!(handler.topics as readonly string[]).includes(message.topic)) continue
    const made = deliveryOf(cluster, message.topic, message.key, message.value, {
      ...{ topic: message.topic, partition: partitionOf(message.key, partitions), offset: -1 },
    })
    if (!('customer' in made)) published.set(message.key, [...(published.get(message.key) ?? []), made])
  }
}

/** A target that is away for a moment is waited for; one that stays away ends the command. */
async function decided(handler: StreamHandler, delivery: Delivery, key: string, cluster: Cluster): Promise<Outcome> {
  const call = callFor(delivery.tenant, key, cluster.signal)
  for (let attempt = 1; ; attempt++) {
    const [outcome] = await handler.handle([delivery], { call, now: Date.now }).catch((error: unknown) => {
      const failed = outcomeOf(error)
      if (failed === null) throw error
      return [failed]
    })
    if (outcome!.kind !== 'retry' || !WAITS_FOR_TARGET.has(outcome!.reason)) return outcome!
    if (attempt >= ATTEMPTS) {
      if (outcome!.reason === 'target-failed') return outcome!
      const what = outcome!.message ?? outcome!.reason
      throw new SyncError('target-unreachable', `deciding for tenant ${delivery.tenant.uid}: ${what}`)
    }
    await pause(attempt, outcome!.afterMs, cluster.signal)
  }
}

const WAITS_FOR_TARGET: ReadonlySet<string> = new Set(['target-failed', 'target-unavailable', 'circuit-open'])

/** How an outcome is told: as `sync.outcomes` would, and `waits` for what would be tried again later. */
function wordsOf(outcome: Outcome): Pick<DryResult, 'outcome' | 'reason'> {
  switch (outcome.kind) {
    case 'done':
      return { outcome: 'done', reason: null }
    case 'skipped':
      return { outcome: 'skipped', reason: outcome.reason }
    case 'park':
      return { outcome: 'parked', reason: outcome.reason }
    case 'retry':
      return { outcome: 'waits', reason: outcome.reason }
  }
}

/** As the runtime hands a replayed record to the handler, its waits for others being over. */
function deliveryOf(
  cluster: Cluster,
  topic: ContractTopic,
  key: string,
  value: ValueOf<ContractTopic> | null | undefined,
  { partition, offset }: { readonly topic: string; readonly partition: number; readonly offset: number },
): Delivery | DryResult {
  const colon = key.indexOf(':')
  const [uid, id] = colon > 0 ? [key.slice(0, colon), key.slice(colon + 1)] : ['', '']
  const tenant = cluster.tenants()?.get(uid)
  if (tenant === undefined || value === undefined) {
    const reason = value === undefined || uid === '' ? 'contract-violation' : 'unknown-tenant'
    return { tenant: uid, customer: id, topic, partition, offset, outcome: 'parked', reason, changes: [] }
  }
  return {
    ...{ topic, key, tenant, id, value, attempts: 0, firstSeenAt: 0, repair: false, traceparent: undefined },
    origin: { topic, partition, offset: BigInt(offset) },
    lane: 'replayed',
  } as Delivery
}

const changesOf = (writes: readonly DryWrite[], showValues: boolean): DryChange[] =>
  writes.flatMap(({ target, operation, customer, before, after }) =>
    fieldChanges(operation === 'create' ? null : before, after).map(({ field, ...values }) => ({
      ...{ target, operation, customer, field },
      ...(showValues && values),
    })),
  )

function describe(
  { tenant, customer, topic, partition, offset, outcome, reason, changes }: DryResult,
  terminal: Terminal,
) {
  const paint = painter(terminal)
  const end = reason === null ? outcome : `${outcome}(${reason})`
  const where = offset === null ? `${topic}, as this replay would write it` : `${topic}/${partition}/${offset}`
  const lines = changes.map(({ target, operation, customer: of, field, before, after }) => {
    const whose = of === customer ? '' : ` of ${of}`
    const values = after === undefined ? '' : `: ${JSON.stringify(before)} → ${JSON.stringify(after)}`
    return `  ${operation} in ${target}${whose}  ${field}${values}`
  })
  return `${[`${paint('bold', `${tenant}:${customer}`)}  ${paint(outcome === 'parked' ? 'red' : 'green', end)}  ${where}`, ...lines].join('\n')}\n`
}
