import type { ServiceName } from '@sync/shared/kafka/topics'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { flowEvent, omniumEvent, postWebhook } from './webhook-client.ts'
import { startWorld, TENANT, type World } from './world.ts'

const US_IN_FLOW = 'our-till-user'
const US_IN_OMNIUM = 'our-api-user'

let world: World
beforeAll(async () => {
  world = await startWorld({
    file: 'hydrate',
    services: ['flow-ingest', 'omnium-ingest'],
    omniumFields: () => ({ apiUser: US_IN_OMNIUM }),
    flowFields: () => ({ apiUser: US_IN_FLOW }),
  })
  // Every webhook is sent by hand.
  world.flow.configureTenant(TENANT, { webhook: null })
  world.omnium.configureTenant(TENANT, { webhook: null })
})
afterAll(() => world?.stop())

const post = async (source: 'flow' | 'omnium', body: string) => {
  const url = `${world.services.get(`${source}-ingest`)!.webhookUrl}/webhooks/${source}/${TENANT}`
  expect((await postWebhook(url, body, { authorization: 'Bearer a-webhook-secret' })).status).toBe(202)
}
const readsOf = (source: 'flow' | 'omnium', id: string) =>
  world[source].journal
    .entries()
    .filter((it) => it.kind === 'request')
    .filter(({ method, path }) => method === 'GET' && decodeURIComponent(path).endsWith(`/${id}`)).length
const endsOf = async (service: ServiceName, id: string) =>
  (await world.topics.records('sync.outcomes.v1')).flatMap(({ value }) =>
    value?.service === service && value.id === id ? [value.reason ?? value.outcome] : [],
  )
const untilEnded = (service: ServiceName, id: string, count: number) =>
  eventually(`${count} ends of ${id}`, async () => (await endsOf(service, id)).length >= count)
const snapshots = () => world.topics.records('flow.customers.v1')
/** Those of a customer, of which `count` are expected; one more would come within the time that the last one took. */
const snapshotsOf = async (id: string, count: number) => {
  const of = async () => (await snapshots()).filter(({ key }) => key === `${TENANT}:${id}`)
  await eventually(`${count} snapshots of ${id}`, async () => (await of()).length >= count)
  return of()
}

describe('our own change', () => {
  it('that Flow tells of ends as an echo, and nothing is fetched', async () => {
    world.flow.seed(TENANT, [{ customerUid: 'echo', customerType: 'PERSON', firstname: 'Kari' }])

    await post('flow', JSON.stringify({ ...JSON.parse(flowEvent('echo')), tenantUser: { Id: 9, Uid: US_IN_FLOW } }))
    await untilEnded('flow-ingest', 'echo', 1)
    expect([await endsOf('flow-ingest', 'echo'), readsOf('flow', 'echo')]).toEqual([['echo'], 0])

    await post('flow', JSON.stringify({ ...JSON.parse(flowEvent('echo')), tenantUser: { Id: 10, Uid: 'a-till' } }))
    await untilEnded('flow-ingest', 'echo', 2)
    expect(readsOf('flow', 'echo')).toBe(1)
  })

  it.each(['user', 'userId'])(
    'that Omnium tells of by its %s ends as an echo, and nothing is fetched',
    async (field) => {
      const id = `echo-${field}`
      world.omnium.seed(TENANT, 'B2C', [{ customerId: id, firstName: 'Kari' }])

      await post('omnium', JSON.stringify({ ...JSON.parse(omniumEvent(id)), [field]: US_IN_OMNIUM }))
      await untilEnded('omnium-ingest', id, 1)
      expect([await endsOf('omnium-ingest', id), readsOf('omnium', id)]).toEqual([['echo'], 0])

      await post('omnium', omniumEvent(id))
      await untilEnded('omnium-ingest', id, 2)
      expect(readsOf('omnium', id)).toBe(1)
    },
  )
})

describe('notifications of one customer', () => {
  it('that come while it is read cost one more read, of its latest state', async () => {
    world.flow.seed(TENANT, [{ customerUid: 'busy', customerType: 'PERSON', firstname: 'One' }])
    const slow = world.flow.faults.add({ kind: 'latency', latencyMs: 1_500, customerId: 'busy', count: 1 })
    await post('flow', flowEvent('busy'))
    await eventually('the first read under way', () =>
      world.flow.faults.list().some((it) => it.id === slow && it.struck === 1),
    )

    world.flow.editCustomer(TENANT, 'busy', { firstname: 'Last' })
    await Promise.all(Array.from({ length: 10 }, () => post('flow', flowEvent('busy'))))
    await untilEnded('flow-ingest', 'busy', 11)

    expect(readsOf('flow', 'busy')).toBe(2)
    expect((await snapshotsOf('busy', 1)).at(-1)?.value?.customer).toMatchObject({ firstname: 'Last' })
    const reasons = await endsOf('flow-ingest', 'busy')
    expect(reasons.filter((reason) => reason === 'superseded')).toHaveLength(9)
  })

  it('that come twice, late, or in the wrong order leave its snapshots in the order of versions, each once', async () => {
    world.flow.seed(TENANT, [{ customerUid: 'repeated', customerType: 'PERSON', firstname: '0' }])
    let sent = 0
    for (let n = 1; n <= 5; n++) {
      world.flow.editCustomer(TENANT, 'repeated', { firstname: `${n}` })
      const times = 1 + (n % 3)
      for (let i = 0; i < times; i++)
        await post('flow', flowEvent('repeated', i === 0 ? 'CUSTOMER_UPDATE' : 'CUSTOMER_CREATE'))
      sent += times
      await untilEnded('flow-ingest', 'repeated', sent)
    }

    const versions = (await snapshotsOf('repeated', 5)).map(({ value }) => value?.version ?? '')
    expect(versions).toEqual([...new Set(versions)].sort())
    expect(versions).toHaveLength(5)
  })
})

describe('what is not at its source', () => {
  it('ends as not found when it was never ours to know', async () => {
    await post('flow', flowEvent('never'))
    await untilEnded('flow-ingest', 'never', 1)

    expect(await endsOf('flow-ingest', 'never')).toEqual(['not-found'])
    expect(await snapshotsOf('never', 0)).toEqual([])
  })

  it('is a tombstone when it was there before, or when its deletion is what we are told of; once', async () => {
    world.flow.seed(TENANT, [{ customerUid: 'gone', customerType: 'PERSON', firstname: 'Kari' }])
    await post('flow', flowEvent('gone'))
    await untilEnded('flow-ingest', 'gone', 1)
    world.flow.deleteCustomer(TENANT, 'gone')

    await post('flow', flowEvent('gone'))
    await untilEnded('flow-ingest', 'gone', 2)
    expect(await snapshotsOf('gone', 2)).toHaveLength(2)
    await post('flow', flowEvent('gone', 'CUSTOMER_DELETE'))
    await untilEnded('flow-ingest', 'gone', 3)
    await post('flow', flowEvent('unseen', 'CUSTOMER_DELETE'))
    await untilEnded('flow-ingest', 'unseen', 1)

    expect((await snapshotsOf('gone', 2)).map(({ bytes }) => bytes === null)).toEqual([false, true])
    expect((await snapshotsOf('unseen', 1)).map(({ bytes }) => bytes === null)).toEqual([true])
  })
})
