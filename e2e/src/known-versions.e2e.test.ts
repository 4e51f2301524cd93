import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { startWorld, TENANT, type World } from './world.ts'

const CUSTOMERS = 30

let world: World
beforeAll(async () => {
  world = await startWorld({
    file: 'known',
    services: ['flow-ingest'],
    env: { SWEEP_INTERVAL_MS: '300', SWEEP_OVERLAP_MS: '600000', KAFKA_SESSION_TIMEOUT_MS: '6000' },
  })
})
afterAll(() => world?.stop())

const idOf = (n: number) => `customer-${n}`
const reads = () =>
  world.flow.journal
    .entries()
    .filter((it) => it.kind === 'request')
    .filter(({ method }) => method === 'GET')
const readsOf = (id: string) => reads().filter(({ path }) => path.endsWith(`/customers/${id}`)).length
const sweeps = () => reads().filter(({ path }) => path.endsWith('/customers')).length
const snapshotsOf = async (id: string) =>
  (await world.topics.records('flow.customers.v1')).filter(({ value }) => value?.id === id)
const metric = (name: string) => world.services.get('flow-ingest')!.metric(name, { tenant: TENANT })
/** What it has ended but not committed would be handled again, and read for that. */
const untilCommitted = () =>
  eventually('the commit of all', () => world.topics.isCommitted('flow-ingest', 'flow.notifications.v1'))
const restart = async () => {
  await untilCommitted()
  const service = world.services.get('flow-ingest')!
  service.signal('SIGKILL')
  await service.exited
  await (await world.start('flow-ingest')).untilReady()
}
const sweptTwice = async () => {
  const before = sweeps()
  await eventually('two sweeps', () => sweeps() >= before + 2)
}

it('a change whose webhook never came is counted as missed, once', async () => {
  for (let n = 0; n < CUSTOMERS; n++) {
    const person = { customerUid: idOf(n), customerType: 'PERSON', firstname: 'Kari', lastname: `${n}` }
    world.flow.createCustomer(TENANT, person)
  }
  await eventually('all snapshots', async () => (await world.topics.records('flow.customers.v1')).length === CUSTOMERS)
  await sweptTwice()
  // A sweep that comes between a change and its webhook can't tell: it counts it as missed.
  const missed = await metric('sync_sweep_missed_total')

  world.flow.configureTenant(TENANT, { webhook: null })
  world.flow.editCustomer(TENANT, idOf(1), { firstname: 'Missed' })
  await eventually('its snapshot', async () => (await snapshotsOf(idOf(1))).length === 2)
  await sweptTwice()

  expect(await metric('sync_sweep_missed_total')).toBe(missed + 1)
  expect(await metric('sync_sweep_found_total')).toBe(CUSTOMERS + 1)
  expect(readsOf(idOf(1))).toBe(2)
})

it('what the snapshot topic holds is read again by no sweep, also not after a crash', async () => {
  const before = reads().length - sweeps()

  await restart()
  await sweptTwice()
  await untilCommitted()

  expect(reads().length - sweeps()).toBe(before)
  expect(await world.topics.records('flow.customers.v1')).toHaveLength(CUSTOMERS + 1)
  expect(await metric('sync_sweep_missed_total')).toBe(0)
  expect(await metric('sync_sweep_found_total')).toBe(CUSTOMERS)
})

it('an older version, from a replica that lags, is not written after a newer one, also not after a crash', async () => {
  const [snapshot] = await snapshotsOf(idOf(2))
  await restart()
  await sweptTwice()

  world.flow.seed(TENANT, [{ ...snapshot!.value!.customer, lastModifiedAt: '2020-01-01T00:00:00.000Z' }])
  const { webhookUrl } = world.services.get('flow-ingest')!
  const body = JSON.stringify({ action: 'CUSTOMER_UPDATE', customer: { Id: 2, Uid: idOf(2) } })
  const headers = { authorization: 'Bearer a-webhook-secret' }
  await fetch(`${webhookUrl}/webhooks/flow/${TENANT}`, { method: 'POST', body, headers })

  await eventually('its end', async () =>
    (await world.topics.records('sync.outcomes.v1')).some(
      ({ value }) => value?.id === idOf(2) && value.reason === 'stale',
    ),
  )
  expect(await snapshotsOf(idOf(2))).toHaveLength(1)
})
