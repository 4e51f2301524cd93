import type { GuardState } from '@sync/shared/absences/absence-guards'
import { guardStateOf } from '@sync/shared/absences/guard-state'
import type { ValueOf } from '@sync/shared/contracts/contracts'
import { TARGET_STATE } from '@sync/shared/contracts/sweep-cursor'
import type { Target } from '@sync/shared/errors'
import { checkTopics } from '@sync/shared/kafka/apply-topics'
import { keyOf } from '@sync/shared/kafka/publisher'
import { type ContractTopic, SERVICES } from '@sync/shared/kafka/topics'
import { readLetters } from '../dead-letter-records.ts'
import { membersOf } from '../group-members.ts'
import { readValue } from '../read-value.ts'
import { counted, duration } from '../terminal.ts'
import type { Check } from './check.ts'
import type { DoctorContext } from './context.ts'
import { explainKafka } from './explain.ts'
import { broken, type Finding, look, ok } from './finding.ts'
import { judgeService, serviceOf } from './judge-services.ts'
import { judgeApiUsers, judgeTarget, TARGET_CHECKS } from './judge-targets.ts'

const TOPICS = 'topics and contracts'
const BOUND = 'compaction bound'
const DEAD_LETTERS = 'dead letters'
const DAY_MS = 24 * 3_600_000

const webhookOf = (source: string): string => `last webhook from ${source}`

/** When the last webhook of a peer reached us; `at` in ms since the epoch, null: none within a day. Pure. */
export function judgeWebhook(source: 'flow' | 'omnium', tenant: string, at: number | null, nowMs: number): Finding {
  const check = webhookOf(source)
  if (at !== null) return ok(check, `${duration(Math.max(0, nowMs - at))} ago`)
  const advice = `If customers changed in ${source}, register the webhook /webhooks/${source}/${tenant} there, and check its secret.`
  return look(check, 'none within 24 h', advice)
}

const PEERS = ['flow', 'omnium'] as const

/** The checks of everything that Kafka tells, once `connect` has connected to it. They run at the same time. */
export function kafkaChecks(connect: () => Promise<void>): Check[] {
  let connected: Promise<void> | undefined
  const check = (names: readonly string[], find: (context: DoctorContext) => Promise<Finding[]>): Check => ({
    names,
    async run(context) {
      connected ??= connect()
      await connected
      return find(context)
    },
    explain: explainKafka,
  })
  return [
    ...PEERS.map((source) => check([webhookOf(source)], (it) => checkWebhook(source, it))),
    check([...SWEEPS.map(sweepOf), ...PEERS.map(guardOf), ...TARGET_CHECKS, ...SERVICES.map(serviceOf)], checkCursors),
    check([TOPICS, BOUND], checkTopicTable),
    check([DEAD_LETTERS], checkDeadLetters),
  ]
}

async function checkWebhook(source: 'flow' | 'omnium', { cluster, tenant, now }: DoctorContext): Promise<Finding[]> {
  const topic = `${source}.notifications.v1` as const
  let last: number | null = null
  await readAll({ cluster, topic, since: now() - DAY_MS, prefix: keyOf(tenant.uid, '') }, ({ via, receivedAt }) => {
    if (via === 'webhook' || via === 'events-topic') last = Math.max(last ?? 0, Date.parse(receivedAt))
  })
  return [judgeWebhook(source, tenant.uid, last, now())]
}

/** The lists that are swept of each peer. */
const SWEEPS = ['flow customers', 'omnium private-customers', 'omnium business-customers', 'omnium orders'] as const
const sweepOf = (name: string): string => `sweep of ${name}`
/** Sweeps come every few minutes. */
const LATE_MS = 30 * 60_000
const VERY_LATE_MS = 24 * 3_600_000

/** `sweptAt`: when the list was last read to its end, ms since the epoch; null: never. Pure. */
export function judgeSweep(name: string, sweptAt: number | null, nowMs: number): Finding {
  const check = sweepOf(name)
  const advice = 'Look for "sweeping failed" in the log of the ingest service, and check SWEEP_INTERVAL_MS.'
  if (sweptAt === null) return look(check, 'the list was never read to its end', advice)
  const age = nowMs - sweptAt
  const found = `read to its end ${duration(Math.max(0, age))} ago`
  if (age <= LATE_MS) return ok(check, found)
  return age <= VERY_LATE_MS ? look(check, found, advice) : broken(check, found, advice)
}

/** Sweeps, absence guards and the states of the targets share a topic. */
async function checkCursors({ cluster, tenant, now }: DoctorContext): Promise<Finding[]> {
  const cursors = new Map<string, ValueOf<'sync.cursors.v1'>>()
  const states = new Map<string, ValueOf<'sync.cursors.v1'>>()
  const guards = new Map<Target, GuardState>()
  const prefix = keyOf(tenant.uid, '')
  await readAll({ cluster, topic: 'sync.cursors.v1', since: 0, prefix }, (cursor) => {
    const guard = guardStateOf(cursor)
    if (guard !== null) guards.set(guard.target, guard)
    else if (cursor.entity === TARGET_STATE) states.set(`${cursor.source} ${cursor.process}`, cursor)
    else cursors.set(`${cursor.source} ${cursor.entity}`, cursor)
  })
  const sweeps = SWEEPS.map((name) => {
    const cursor = cursors.get(name)
    return judgeSweep(name, cursor === undefined ? null : Date.parse(cursor.sweptAt), now())
  })
  const statesOf = (target: Target) => [...states.values()].filter(({ source }) => source === target)
  const targets = PEERS.flatMap((target) => judgeTarget(target, statesOf(target), now()))
  const apiUsers = judgeApiUsers(tenant, statesOf('omnium'), now())
  const services = await Promise.all(
    SERVICES.map(async (service) => {
      const { length } = await membersOf(cluster, service)
      return judgeService(service, length, [...states.values()], now())
    }),
  )
  return [...sweeps, ...judgeGuards(guards, tenant.uid), ...targets, apiUsers, ...services]
}

const guardOf = (target: Target): string => `absence guard of ${target}`

function judgeGuards(guards: ReadonlyMap<Target, GuardState>, tenant: string): Finding[] {
  return PEERS.map((target) => {
    const check = guardOf(target)
    const guard = guards.get(target)
    if (guard === undefined || !guard.isTripped) return ok(check, 'not tripped')
    const { at, missing, reads } = guard
    const found = `tripped at ${at}: ${missing} known ids were "not found", of ${reads} reads`
    const advice =
      `Find out why the customers are missing (a role or a store was withdrawn, a wrong base URL, a restored backup). ` +
      `Then run: syncctl absences release --tenant ${tenant} --target ${target}`
    return broken(check, found, advice)
  })
}

/** Erased data leaves a compacted topic only within a bound. */
const SNAPSHOTS = ['flow.customers.v1', 'omnium.customers.v1'] as const
const BOUNDS = ['max.compaction.lag.ms', 'delete.retention.ms', 'segment.ms'] as const

async function checkTopicTable({ cluster }: DoctorContext): Promise<Finding[]> {
  const { admin, contracts, prefix } = cluster
  const { topics, contracts: schemas, partitions } = await checkTopics(admin, contracts, { prefix })
  const isBound = (message: string) => BOUNDS.some((name) => message.includes(name))
  const others = topics.filter(({ message }) => !isBound(message))
  const wrong = [
    ...others.map(({ topic, message }) => `${topic} ${message}`),
    ...schemas.map(({ subject, message }) => `${subject} ${message}`),
  ]
  const isMissing = others.some(({ kind }) => kind === 'missing')
  const advice = 'Run: syncctl topics check'
  const table =
    wrong.length === 0
      ? ok(TOPICS, `in place, with ${counted(partitions, 'partition')} each`)
      : (isMissing ? broken : look)(TOPICS, wrong.slice(0, 3).join('; '), advice)
  const unbound = topics.filter(
    ({ topic, message }) => SNAPSHOTS.some((name) => topic === prefix + name) && isBound(message),
  )
  const bound =
    unbound.length === 0
      ? ok(BOUND, 'the topics of customers forget erased data within days')
      : look(BOUND, unbound.map(({ topic, message }) => `${topic} ${message}`).join('; '), advice)
  return [table, bound]
}

async function checkDeadLetters({ cluster, tenant }: DoctorContext): Promise<Finding[]> {
  const letters = (await readLetters(cluster, { tenant: tenant.uid })).filter(({ state }) => state === 'parked')
  if (letters.length === 0) return [ok(DEAD_LETTERS, 'none')]
  const reasons = Map.groupBy(letters, ({ reason }) => reason)
  const found = [...reasons].map(([reason, those]) => `${those.length} ${reason}`).join(', ')
  const advice = `Run: syncctl dead-letters list --tenant ${tenant.uid}`
  return [look(DEAD_LETTERS, `${counted(letters.length, 'record')} parked: ${found}`, advice)]
}

interface Reading<T extends ContractTopic> {
  readonly cluster: DoctorContext['cluster']
  readonly topic: T
  /** ms since the epoch. */
  readonly since: number
  /** Of the keys. */
  readonly prefix: string
}

/** Calls `take` with each value whose key begins with `prefix`, in the order of its partition, except values that break their contract. */
async function readAll<T extends ContractTopic>(
  { cluster, topic, since, prefix }: Reading<T>,
  take: (value: ValueOf<T>) => void,
): Promise<void> {
  await cluster.read({
    signal: cluster.signal,
    ranges: await cluster.ranges([topic], { from: since === 0 ? { end: 'earliest' } : { time: since } }),
    async take(record) {
      if (!record.key?.toString('utf8').startsWith(prefix)) return
      const value = await readValue(cluster, topic, record)
      if (value) take(value)
    },
  })
}
