import type { GuardState } from '@sync/shared/absences/absence-guards'
import { guardStateOf } from '@sync/shared/absences/guard-state'
import type { ValueOf } from '@sync/shared/contracts/contracts'
import { TARGET_STATE } from '@sync/shared/contracts/sweep-cursor'
import type { Target } from '@sync/shared/errors'
import { checkTopics } from '@sync/shared/kafka/apply-topics'
import { keyOf } from '@sync/shared/kafka/publisher'
import type { ContractTopic } from '@sync/shared/kafka/topics'
import { readLetters } from '../dead-letter-records.ts'
import { readValue } from '../read-value.ts'
import { counted, duration } from '../terminal.ts'
import type { DoctorContext } from './context.ts'
import { broken, type Finding, look, ok } from './finding.ts'
import { judgeApiUsers, judgeTarget } from './judge-targets.ts'

const DAY_MS = 24 * 3_600_000

/** When the last webhook of a peer reached us; `at` in ms since the epoch, null: none within a day. Pure. */
export function judgeWebhook(source: 'flow' | 'omnium', tenant: string, at: number | null, nowMs: number): Finding {
  const check = `last webhook from ${source}`
  if (at !== null) return ok(check, `${duration(Math.max(0, nowMs - at))} ago`)
  const advice = `If customers changed in ${source}, register the webhook /webhooks/${source}/${tenant} there, and check its secret.`
  return look(check, 'none within 24 h', advice)
}

export async function checkWebhooks({ cluster, tenant, now }: DoctorContext): Promise<Finding[]> {
  const check = async (source: 'flow' | 'omnium') => {
    const topic = `${source}.notifications.v1` as const
    let last: number | null = null
    await readAll({ cluster, topic, since: now() - DAY_MS, prefix: keyOf(tenant.uid, '') }, ({ via, receivedAt }) => {
      if (via === 'webhook' || via === 'events-topic') last = Math.max(last ?? 0, Date.parse(receivedAt))
    })
    return judgeWebhook(source, tenant.uid, last, now())
  }
  return Promise.all([check('flow'), check('omnium')])
}

/** The lists that are swept of each peer. */
const SWEPT = { flow: ['customers'], omnium: ['private-customers', 'business-customers', 'orders'] } as const
/** Sweeps come every few minutes. */
const LATE_MS = 30 * 60_000
const VERY_LATE_MS = 24 * 3_600_000

/** `sweptAt`: when the list was last read to its end, ms since the epoch; null: never. Pure. */
export function judgeSweep(name: string, sweptAt: number | null, nowMs: number): Finding {
  const check = `sweep of ${name}`
  const advice = 'Look for "sweeping failed" in the log of the ingest service, and check SWEEP_INTERVAL_MS.'
  if (sweptAt === null) return look(check, 'the list was never read to its end', advice)
  const age = nowMs - sweptAt
  const found = `read to its end ${duration(Math.max(0, age))} ago`
  if (age <= LATE_MS) return ok(check, found)
  return age <= VERY_LATE_MS ? look(check, found, advice) : broken(check, found, advice)
}

/** Sweeps, absence guards and the states of the targets share a topic. */
export async function checkCursors({ cluster, tenant, now }: DoctorContext): Promise<Finding[]> {
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
  const findings: Finding[] = []
  for (const [source, entities] of Object.entries(SWEPT)) {
    for (const entity of entities) {
      const cursor = cursors.get(`${source} ${entity}`)
      const at = cursor === undefined ? null : Date.parse(cursor.sweptAt)
      findings.push(judgeSweep(`${source} ${entity}`, at, now()))
    }
  }
  const statesOf = (target: Target) => [...states.values()].filter(({ source }) => source === target)
  const targets = (['flow', 'omnium'] as const).flatMap((target) => judgeTarget(target, statesOf(target), now()))
  const apiUsers = judgeApiUsers(tenant, statesOf('omnium'), now())
  return [...findings, ...judgeGuards(guards, tenant.uid), ...targets, apiUsers]
}

function judgeGuards(guards: ReadonlyMap<Target, GuardState>, tenant: string): Finding[] {
  return (['flow', 'omnium'] as const).map((target) => {
    const check = `absence guard of ${target}`
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

export async function checkTopicTable({ cluster }: DoctorContext): Promise<Finding[]> {
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
      ? ok('topics and contracts', `in place, with ${counted(partitions, 'partition')} each`)
      : (isMissing ? broken : look)('topics and contracts', wrong.slice(0, 3).join('; '), advice)
  const unbound = topics.filter(
    ({ topic, message }) => SNAPSHOTS.some((name) => topic === prefix + name) && isBound(message),
  )
  const bound =
    unbound.length === 0
      ? ok('compaction bound', 'the topics of customers forget erased data within days')
      : look('compaction bound', unbound.map(({ topic, message }) => `${topic} ${message}`).join('; '), advice)
  return [table, bound]
}

export async function checkDeadLetters({ cluster, tenant }: DoctorContext): Promise<Finding[]> {
  const letters = (await readLetters(cluster, { tenant: tenant.uid })).filter(({ state }) => state === 'parked')
  if (letters.length === 0) return [ok('dead letters', 'none')]
  const reasons = Map.groupBy(letters, ({ reason }) => reason)
  const found = [...reasons].map(([reason, those]) => `${those.length} ${reason}`).join(', ')
  const advice = `Run: syncctl dead-letters list --tenant ${tenant.uid}`
  return [look('dead letters', `${counted(letters.length, 'record')} parked: ${found}`, advice)]
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
    ranges: await cluster.ranges([topic], { from: since === 0 ? { end: 'earliest' } : { time: since } }),
    async take(record) {
      if (!record.key?.toString('utf8').startsWith(prefix)) return
      const value = await readValue(cluster, topic, record)
      if (value) take(value)
    },
  })
}
