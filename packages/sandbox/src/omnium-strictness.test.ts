import { afterEach, describe, expect, test } from 'vitest'
import { createCaller } from './testing-call.ts'
import { createTestStandIns, TOKEN_PATH } from './testing-stand-ins.ts'

const standIns = createTestStandIns()
afterEach(standIns.closeAll)

const CUSTOMER = '/api/PrivateCustomers'

describe('limits', () => {
  const held = async () => {
    const world = await standIns.omnium()
    world.omnium.seed('acme', 'B2C', [{ customerId: '1' }])
    const fault = world.omnium.faults.add({ kind: 'latency', path: `${CUSTOMER}/held`, latencyMs: 60_000 })
    /** Requests that stay at the peer until they are released. */
    const hold = async (count: number, call = world.call) => {
      const before = heldNow()
      const answers = Array.from({ length: count }, () => call('GET', `${CUSTOMER}/held`))
      await expect.poll(heldNow).toBe(before + count)
      return answers
    }
    const heldNow = () => world.omnium.faults.list().find(({ id }) => id === fault)?.held ?? 0
    return { ...world, hold, release: () => world.omnium.faults.release() }
  }

  test('an API user has at most 20 requests at the same time, and a token does not count', async () => {
    const { call, url, omnium, admin, hold, release } = await held()
    const answers = await hold(20)

    const refused = await call('GET', `${CUSTOMER}/1`)
    const token = await createCaller(url)('POST', TOKEN_PATH)
    release()
    await Promise.all(answers)
    const later = await call('GET', `${CUSTOMER}/1`)

    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1'])
    expect([token.status, later.status]).toEqual([200, 200])
    const counts = { requests: 22, refused: 1, maxConcurrent: 21, tokenFetches: 2 }
    const apiUsers = { 'acme-id': { ...counts, maxBatches: 0 } }
    expect((await admin('GET', '/limits?tenant=acme')).body).toEqual({ acme: { ...counts, apiUsers } })
    expect(omnium.journal.entries().filter((it) => it.kind === 'request' && it.status === 429)).toHaveLength(1)

    await admin('DELETE', '/limits?tenant=acme')
    expect((await admin('GET', '/limits')).body.acme).toMatchObject({ requests: 0, tokenFetches: 0 })
  })

  test('each API user of a tenant has its own limit, its own name, and a part of the tenant’s limit', async () => {
    const { omnium, call, url, hold, release } = await held()
    omnium.configureTenant('acme', {
      apiUsers: [{ clientId: 'second-id', clientSecret: 'second-secret', apiUser: 'second' }],
      modes: { limits: { perApiUser: 2, perTenant: 3 } },
    })
    const { body } = await createCaller(url)('POST', TOKEN_PATH.replaceAll('acme', 'second'))
    const second = createCaller(url, body.accessToken)
    const answers = [...(await hold(2)), ...(await hold(1, second))]

    const refused = await second('GET', `${CUSTOMER}/1`)
    release()
    await Promise.all(answers)
    await second('POST', CUSTOMER, { customerId: '2' })
    await call('POST', CUSTOMER, { customerId: '3' })

    expect(refused.status).toBe(429)
    expect(omnium.customer('acme', 'B2C', '2')?.modifiedBy).toBe('second')
    expect(omnium.customer('acme', 'B2C', '3')?.modifiedBy).toBe('flow-sync')
    expect(omnium.journal.writes({ tenant: 'acme' }).map(({ user }) => user)).toEqual(['second', 'flow-sync'])
    expect((await createCaller(url)('POST', TOKEN_PATH.replace('acme-id', 'second-id'))).status).toBe(401)
  })

  test('a request that a fault cuts, or whose client has left, does not count any more', async () => {
    const { call, omnium, release, url, issued } = await held()
    omnium.setModes('acme', { limits: { perApiUser: 1 } })
    for (const kind of ['reset', 'status', 'reply-lost'] as const) {
      omnium.faults.add({ kind, path: `${CUSTOMER}/1`, count: 1 })
      await call('GET', `${CUSTOMER}/1`).catch(() => null)
      expect((await call('GET', `${CUSTOMER}/1`)).status, kind).toBe(200)
    }

    const left = new AbortController()
    const headers = { authorization: `Bearer ${issued.accessToken}` }
    const gone = fetch(`${url}${CUSTOMER}/held`, { headers, signal: left.signal }).catch(() => null)
    await expect.poll(() => omnium.faults.list().some((it) => it.held === 1)).toBe(true)
    left.abort()
    await gone
    await expect.poll(async () => (await call('GET', `${CUSTOMER}/1`)).status).toBe(200)
    release()
  })

  test('batch calls have a limit of their own, and a tenant can be without limits', async () => {
    const { call, omnium } = await held()
    omnium.setModes('acme', { limits: { batches: 1 } })
    const fault = omnium.faults.add({ kind: 'latency', path: `${CUSTOMER}/AddMany`, latencyMs: 60_000, count: 1 })
    const first = call('POST', `${CUSTOMER}/AddMany`, [{ customerId: '2' }])
    await expect.poll(() => omnium.faults.list().find(({ id }) => id === fault)?.held).toBe(1)

    const refused = await call('PUT', `${CUSTOMER}/AddOrUpdateMany`, [{ customerId: '3' }])
    const single = await call('POST', CUSTOMER, { customerId: '4' })
    omnium.setModes('acme', { limits: null })
    const unlimited = await call('PUT', `${CUSTOMER}/AddOrUpdateMany`, [{ customerId: '3' }])
    omnium.faults.release()
    await first

    expect([refused.status, single.status, unlimited.status]).toEqual([429, 201, 204])
  })
})

describe('defects', () => {
  test('a field that the model of the request lacks is counted, told in the journal, and the request is handled', async () => {
    const { call, omnium, admin } = await standIns.omnium()
    const body = { customerId: '1', mobile: 'a secret', address: { line1: 'A', zip: 'a secret' } }

    const created = await call('POST', CUSTOMER, body)
    await call('POST', `${CUSTOMER}/Search`, { take: 1, page: 0, since: 'a secret' })
    await call('POST', `${CUSTOMER}/Search`, { take: 1, page: 0, since: 'a secret' })

    expect(created.status).toBe(201)
    const ofCreate = { tenant: 'acme', method: 'POST', path: CUSTOMER, model: 'OmniumPrivateCustomer', count: 1 }
    const { body: answer } = await admin('GET', '/defects')
    expect(answer.total).toBe(4)
    expect(answer.defects).toEqual([
      { ...ofCreate, field: 'mobile' },
      { ...ofCreate, field: 'address.zip' },
      expect.objectContaining({ path: `${CUSTOMER}/Search`, field: 'since', count: 2 }),
    ])
    expect(omnium.journal.entries({ kind: 'defect' })).toHaveLength(4)
    expect(JSON.stringify([answer, omnium.journal.entries()])).not.toContain('a secret')

    await admin('DELETE', '/defects')
    expect((await admin('GET', '/defects')).body).toEqual({ total: 0, defects: [] })
  })

  test('options of a PATCH, and what a write has to send back, are no defects', async () => {
    const { call, omnium } = await standIns.omnium()
    const address = { line1: 'A', floor: 2 }
    omnium.seed('acme', 'B2C', [{ customerId: '1', isVip: true, isAnonymized: false, address }])
    omnium.seed('acme', 'B2B', [{ customerId: '1', addresses: [address], contacts: [{ id: 'c', nick: 'x' }] }])
    const options = {
      keepExistingListItems: false,
      keepExistingCustomProperties: true,
      propertiesRemovalConditions: [],
    }
    const lists = { addresses: [{ externalId: 'a' }, address], contacts: [{ id: 'c', nick: 'x' }] }

    await call('POST', `${CUSTOMER}/Update`, { customerId: '1', isVip: true, isAnonymized: false, address })
    await call('PUT', `${CUSTOMER}/AddOrUpdateMany`, [{ customerId: '1', isVip: false }])
    await call('PATCH', '/api/BusinessCustomers/PatchBusinessCustomer', { customerId: '1', ...options, ...lists })
    await call('POST', '/api/Orders/Search', { take: 1, modifiedSince: '2026-01-01' })
    expect(omnium.defects.list()).toEqual([])

    await call('PATCH', `${CUSTOMER}/PatchPrivateCustomer`, { customerId: '1', isVip: false, fullName: 'A' })
    await call('POST', `${CUSTOMER}/Update`, { customerId: '1', isClub: true })
    expect(omnium.defects.list().map(({ field }) => field)).toEqual(['isVip', 'fullName', 'isClub'])
  })

  test('a name in the query that is not documented is a defect too', async () => {
    const { call, omnium } = await standIns.omnium()
    omnium.seed('acme', 'B2B', [{ customerId: '1' }])
    const removal = '/api/BusinessCustomer/1/ContactPerson/DeleteContactPerson'

    await call(
      'GET',
      '/api/BusinessCustomers/GetAll?page=1&pageSize=1&sortOrder=ModifiedAscending&changedSince=2026-01-01',
    )
    await call('DELETE', `${removal}?contactPersonId=a&email=b&phone=c`)
    await call('DELETE', removal, { contactPersonId: 'a' })
    await call('DELETE', '/api/BusinessCustomers/Anonymize?id=1')
    expect(omnium.defects.list()).toEqual([])

    await call('GET', '/api/BusinessCustomers/1?expand=all')
    await call('DELETE', `${removal}?id=a`, { contactId: 'a' })
    expect(omnium.defects.list().map(({ model, field }) => `${model} ${field}`)).toEqual([
      'query expand',
      'query id',
      'ContactPersonRemoval contactId',
    ])
  })

  test('a tenant can be without the count', async () => {
    const { call, omnium } = await standIns.omnium()
    omnium.setModes('acme', { countDefects: false })

    await call('POST', CUSTOMER, { customerId: '1', mobile: '1' })

    expect(omnium.defects.list()).toEqual([])
  })
})

describe('overlapping writes', () => {
  test('a write that comes while another write of its customer is being handled is answered 409', async () => {
    const { call, omnium } = await standIns.omnium()
    omnium.seed('acme', 'B2C', [{ customerId: '1' }, { customerId: '2' }])
    omnium.faults.add({ kind: 'latency', method: 'POST', path: `${CUSTOMER}/Update`, latencyMs: 60_000, count: 1 })
    const first = call('POST', `${CUSTOMER}/Update`, { customerId: '1', firstName: 'first' })
    await expect.poll(() => omnium.faults.list()[0]?.held).toBe(1)
    const patch = (customerId: string) =>
      call('PATCH', `${CUSTOMER}/PatchPrivateCustomer`, { customerId, lastName: 'x' })

    const overlapping = await patch('1')
    const others = [await patch('2'), await call('GET', `${CUSTOMER}/1`)]
    const sameIdOfOtherKind = await call('POST', '/api/BusinessCustomers', { customerId: '1' })
    const removal = await call('DELETE', `${CUSTOMER}/1`)
    omnium.faults.release()
    await first
    const later = await patch('1')

    expect([overlapping.status, removal.status]).toEqual([409, 409])
    expect(others.map(({ status }) => status)).toEqual([200, 200])
    expect([sameIdOfOtherKind.status, later.status]).toEqual([201, 200])
    expect(omnium.customer('acme', 'B2C', '1')).toMatchObject({ firstName: 'first', lastName: 'x' })
  })

  test('of two writes at the same time one is answered 409, because a write takes its time', async () => {
    const { call, omnium } = await standIns.omnium()
    omnium.seed('acme', 'B2C', [{ customerId: '1' }])
    omnium.setModes('acme', { writeMs: 200 })
    const update = (firstName: string) => call('POST', `${CUSTOMER}/Update`, { customerId: '1', firstName })

    const statuses = (await Promise.all([update('a'), update('b')])).map(({ status }) => status)
    omnium.setModes('acme', { writeConflicts: false })
    const without = (await Promise.all([update('a'), update('b')])).map(({ status }) => status)

    expect(statuses.toSorted()).toEqual([200, 409])
    expect(without).toEqual([200, 200])
  })

  test('a late write is no overlap for as long as it is late', async () => {
    const { call, omnium } = await standIns.omnium()
    omnium.seed('acme', 'B2C', [{ customerId: '1' }])
    omnium.faults.add({ kind: 'late', method: 'POST', path: `${CUSTOMER}/Update`, count: 1 })
    const update = (firstName: string) => call('POST', `${CUSTOMER}/Update`, { customerId: '1', firstName })
    const late = update('late').catch(() => null)
    await expect.poll(() => omnium.faults.list()[0]?.held).toBe(1)

    expect((await update('again')).status).toBe(200)
    omnium.faults.release()
    await late
    expect(omnium.customer('acme', 'B2C', '1')).toMatchObject({ firstName: 'late' })
  })

  test('a write that a fault cuts ends there', async () => {
    const { call, omnium } = await standIns.omnium()
    omnium.seed('acme', 'B2C', [{ customerId: '1' }])
    const update = () => call('POST', `${CUSTOMER}/Update`, { customerId: '1' })
    for (const kind of ['reset', 'status'] as const) {
      omnium.faults.add({ kind, path: `${CUSTOMER}/Update`, latencyMs: 1, count: 1 })
      await update().catch(() => null)
      expect((await update()).status, kind).toBe(200)
    }
  })
})
