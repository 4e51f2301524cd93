import { METRICS } from '@sync/shared/metrics-table'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { queriesOf, readDashboards } from './dashboards.ts'
import { eventually } from './eventually.ts'
import { type PrometheusProcess, startPrometheus } from './prometheus-process.ts'
import { findProgram, unlessFound } from './prometheus-program.ts'
import { parseQuery } from './promql.ts'
import { flowEvent, postWebhook } from './webhook-client.ts'
import { startWorld, TENANT, type World } from './world.ts'

const program = findProgram('prometheus')

/** Its credentials at Omnium are refused, so its circuit stays open. */
const LOCKED_OUT = 'locked-out-no'
/** Its API user lacks the role for Search. */
const ROLE_LESS = 'role-less-no'
/** Half of its customers disappear from Omnium, so its absence guard trips. */
const GUARDED = 'guarded-no'
const VARIABLES = {
  __rate_interval: '1m',
  __range: '15m',
  job: 'flow-ingest|omnium-ingest|customer-mapper|relation-manager',
  instance: '.*',
  tenant: '.*',
  target: 'flow|omnium',
}
/** Queries that answer nothing here, and why that is as it should be. */
const EMPTY: Readonly<Record<string, string>> = {
  'annotation: Starts of a process': 'no process begins a second time here',
}
/** Metrics without a series here, and why that is as it should be. */
const ABSENT: Readonly<Record<string, string>> = {
  sync_not_removed_total: 'an Update removes from a list what it leaves out',
  sync_shorter_logs_total: 'no topic is deleted',
  sync_tenants_reloads_total: 'the tenants file does not change',
}
/** Selectors that nothing here makes a series of; they answer when it happens, and are spelled as the code spells them. */
const UNSEEN: Readonly<Record<string, string>> = {
  'sync_kafka_writes_total result failed': 'Kafka takes every write',
  'sync_retries_total reason registry-unavailable': 'the registry is there',
  sync_shorter_logs_total: 'no topic is deleted',
  'sync_webhooks_total answer overloaded|unavailable': 'Kafka takes every webhook, and there are few',
  'sync_webhooks_total answer stopping': 'no service is stopped',
}
/** A sampled trace, as a sender that traces would begin it. */
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736'

let world: World
let prometheus: PrometheusProcess

const person = (customerUid: string) => ({
  customerUid,
  customerType: 'PERSON',
  firstname: 'Kari',
  lastname: 'Eksempel',
})
const company = (customerUid: string, parent?: string) => ({
  customerUid,
  customerType: 'COMPANY',
  companyName: `${customerUid} AS`,
  ...(parent !== undefined && { parentCustomer: { customerUid: parent } }),
})
const post = (tenant: string, secret: string, body: string, traceparent?: string) =>
  postWebhook(`${world.services.get('flow-ingest')!.webhookUrl}/webhooks/flow/${tenant}`, body, {
    authorization: `Bearer ${secret}`,
    ...(traceparent !== undefined && { traceparent }),
  })
const inOmnium = (id: string, kind: 'B2C' | 'B2B' = 'B2C') => world.omnium.customer(TENANT, kind, id) !== undefined
const hasParent = (id: string) =>
  ((world.omnium.customer(TENANT, 'B2B', id)?.customerRelations ?? []) as readonly { relationType: string }[]).some(
    ({ relationType }) => relationType === 'Parent',
  )
const value = async (expr: string) => Number((await prometheus.query(expr))[0]?.value[1] ?? 0)

/** What has happened so far is in every series, so that what comes is a rise. */
const scraped = () => {
  const now = Date.now() / 1000
  return eventually('a scrape of every service', async () => (await value('min(timestamp(up))')) > now)
}

/** States that last until a person ends them. */
async function peersFailForLong(): Promise<void> {
  const { flow, omnium, services } = world
  omnium.setModes(ROLE_LESS, { missingRoles: ['search'] })
  const ids = Array.from({ length: 80 }, (_, n) => `guarded-${n}`)
  for (const id of ids) flow.createCustomer(GUARDED, person(id))
  await eventually('the guarded customers', () => ids.every((id) => flow.customer(GUARDED, id)?.externalId === id))
  omnium.setModes(GUARDED, { hidden: { share: 0.5 } })
  for (const id of ids) flow.editCustomer(GUARDED, id, { firstname: 'Ola' })
  const isNamed = (text: string) => text.includes(`sync_absence_guard_tripped{tenant="${GUARDED}"`)
  await eventually('the absence guard', async () => isNamed(await services.get('customer-mapper')!.metrics()))
}

/** One of all that a dashboard shows, in each round; two rounds, because a rate needs a rise. */
async function everythingHappens(round: number): Promise<void> {
  const { flow, omnium } = world
  const id = (name: string) => `${name}-${round}`
  for (let n = 0; n < 40; n++) flow.createCustomer(TENANT, person(id(`p${n}`)))
  flow.createCustomer(LOCKED_OUT, person(id('waits')))
  // The mapper creates a company, the relation-manager patches it.
  omnium.faults.add({ kind: 'status', status: 500, method: 'PATCH', customerId: id('child'), count: 1 })
  flow.createCustomer(TENANT, company(id('parent')))
  flow.createCustomer(TENANT, company(id('child'), id('parent')))
  flow.createCustomer(TENANT, company(id('orphan'), 'nowhere'))
  flow.createCustomer(TENANT, company(id('circle'), id('circle')))
  omnium.createCustomer(TENANT, 'B2C', { customerId: id('web'), firstName: 'Ola' })
  omnium.createOrder(TENANT, { id: id('order'), customerId: id('web'), customerType: 'B2C' })

  omnium.faults.add({ kind: 'status', status: 422, customerId: id('refused') })
  flow.createCustomer(TENANT, person(id('refused')))
  omnium.faults.add({ kind: 'status', status: 500, customerId: id('fails'), count: 2 })
  flow.createCustomer(TENANT, person(id('fails')))
  await eventually('the customers', () => inOmnium(id('p0')) && inOmnium(id('p39')) && inOmnium(id('child'), 'B2B'))
  await eventually('the one that failed twice', () => inOmnium(id('fails')))
  await eventually('the child below its parent', () => hasParent(id('child')))

  omnium.faults.add({ kind: 'status', status: 429, retryAfterSeconds: 2, count: 1, tenant: TENANT })
  flow.createCustomer(TENANT, person(id('throttled')))
  await eventually('the one that was throttled', () => inOmnium(id('throttled')))

  const webhook = flow.tenants.get(TENANT)!.webhook
  flow.configureTenant(TENANT, { webhook: null })
  flow.createCustomer(TENANT, person(id('missed')))
  await eventually('the one that only a sweep found', () => inOmnium(id('missed')))
  flow.configureTenant(TENANT, { webhook })

  const { secret } = webhook!.auth as { secret: string }
  const answers = [
    await post(TENANT, 'not-the-secret', flowEvent('x')),
    await post('nobody-no', secret, flowEvent('x')),
    await post(TENANT, secret, '{}'),
    await post(TENANT, secret, flowEvent(id('p0')), `00-${TRACE_ID}-00f067aa0ba902b7-01`),
  ]
  expect(answers.map(({ status }) => status)).toEqual([401, 404, 400, 202])
}

describe.skipIf(program === null)(`a real Prometheus${unlessFound('prometheus', program)}`, () => {
  beforeAll(async () => {
    world = await startWorld({
      file: 'prometheus',
      tenants: [TENANT, LOCKED_OUT, ROLE_LESS, GUARDED],
      env: { SWEEP_INTERVAL_MS: '1000', SWEEP_OVERLAP_MS: '2000', PARENT_WAIT_MS: '1000' },
      omniumFields: (uid) => (uid === LOCKED_OUT ? { clientSecret: 'not-the-secret' } : {}),
    })
    const addresses = [...world.services].map(([name, { adminUrl }]) => [name, [new URL(adminUrl).host]])
    prometheus = await startPrometheus(program!, Object.fromEntries(addresses))
    await eventually('every service being scraped', async () => (await value('sum(up)')) === 4)
    await peersFailForLong()
    for (const round of [1, 2]) {
      await everythingHappens(round)
      await eventually('the parked records', async () => (await value('sum(sync_parked_total)')) >= 3 * round)
      await scraped()
    }
  })
  afterAll(async () => {
    await prometheus?.stop()
    await world?.stop()
  })

  it('takes what the services answer, and knows every metric of the table', async () => {
    const { activeTargets } = (await prometheus.get('/api/v1/targets')) as {
      activeTargets: { labels: { job: string }; health: string; lastError: string }[]
    }
    const names = new Set((await prometheus.get('/api/v1/label/__name__/values')) as string[])

    expect(activeTargets.map(({ labels, health, lastError }) => [labels.job, health, lastError]).sort()).toEqual(
      [...world.services.keys()].sort().map((name) => [name, 'up', '']),
    )
    const missing = Object.values(METRICS).filter(
      ({ name, type }) => !names.has(type === 'histogram' ? `${name}_bucket` : name),
    )
    expect(missing.map(({ name }) => name).sort()).toEqual(Object.keys(ABSENT).sort())
  })

  it('answers every query of every dashboard with data', async () => {
    const queries = readDashboards().flatMap((dashboard) => queriesOf(dashboard, VARIABLES))
    const answered = await Promise.all(
      queries.map(async ({ dashboard, asks, expr }) => {
        const samples = await prometheus.query(expr).catch((error: Error) => error)
        const isAnswered = Array.isArray(samples) && samples.some(({ value: [, text] }) => text !== 'NaN')
        return isAnswered || asks in EMPTY
          ? []
          : [`${dashboard}: ${asks}: ${samples instanceof Error ? samples.message : 'nothing'}: ${expr}`]
      }),
    )

    expect(queries.length).toBeGreaterThan(80)
    expect(answered.flat()).toEqual([])
  })

  it('has series for every selector of every dashboard and rule, also where an alternative answers for them', async () => {
    const { groups } = (await prometheus.get('/api/v1/rules')) as { groups: { rules: { query: string }[] }[] }
    const exprs = [
      ...readDashboards().flatMap((dashboard) => queriesOf(dashboard, VARIABLES).map(({ expr }) => expr)),
      ...groups.flatMap(({ rules }) => rules.map(({ query }) => query)),
    ]
    const selectors = new Map(exprs.flatMap((expr) => parseQuery(expr).selectors.map((each) => [each.text, each])))

    const unseen = await Promise.all(
      [...selectors.values()].map(async ({ text, metric, matchers }) => {
        if ((await prometheus.query(`last_over_time(${text}[15m])`)).length > 0) return []
        const closest = matchers.filter(({ label }) => !(label in VARIABLES))
        return [[metric, ...closest.flatMap(({ label, value }) => [label, value])].join(' ')]
      }),
    )

    expect(selectors.size).toBeGreaterThan(50)
    expect([...new Set(unseen.flat())].sort()).toEqual(Object.keys(UNSEEN).sort())
  })

  it('evaluates every rule, and fires what has happened here', async () => {
    interface Rule {
      readonly name: string
      readonly health: string
      readonly lastError?: string
      readonly type: string
    }
    const rules = async () =>
      ((await prometheus.get('/api/v1/rules')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
        (group) => group.rules,
      )
    await eventually('every rule being evaluated', async () =>
      (await rules()).every(({ health }) => health !== 'unknown'),
    )

    expect((await rules()).filter(({ health }) => health !== 'ok')).toEqual([])
    await eventually('the alerts', async () => {
      const active = await prometheus.query('ALERTS')
      const names = new Set(active.map(({ metric }) => `${metric.alertname} ${metric.alertstate}`))
      return [
        'SyncDeadLetters firing',
        'SyncWebhooksUnauthorized firing',
        'SyncCredentialsRefused pending',
        'SyncCircuitOpen pending',
        'SyncAbsenceGuardTripped firing',
        'SyncRoleMissing pending',
      ].every((name) => names.has(name))
    })
  })

  it('keeps the trace of a webhook as an exemplar of its latency', async () => {
    const query = new URLSearchParams({
      query: 'sync_webhook_seconds_bucket',
      start: String(Date.now() / 1000 - 600),
      end: String(Date.now() / 1000 + 60),
    })

    const series = (await prometheus.get(`/api/v1/query_exemplars?${query}`)) as {
      exemplars: { labels: { trace_id?: string } }[]
    }[]

    expect(series.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels.trace_id))).toContain(TRACE_ID)
  })
})
