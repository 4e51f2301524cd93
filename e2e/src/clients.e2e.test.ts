import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { json, type RecordedRequest, type RecordingPeer, startRecordingPeer } from './recording-peer.ts'
import { flowEvent, omniumEvent, postWebhook } from './webhook-client.ts'
import { startWorld, type World } from './world.ts'

/** Each test has a tenant of its own, so that one's circuits, limits and tokens are none of another's. */
const TENANTS = ['ids', 'pace', 'cap', 'throttle', 'odd', 'hang', 'redirect', 'tokens', 'wrong', 'right'].map(
  (name) => `${name}-no`,
)
const RATE = 40
/** flow-ingest's and omnium-ingest's share of it. */
const SHARE = '0.5'

let peer: RecordingPeer
let world: World

const isToken = ({ url }: RecordedRequest) => url.startsWith('/api/token')
/** Without a URL parser, which would resolve the id `..`. */
const idOf = ({ url }: RecordedRequest) => decodeURIComponent(url.split('?')[0]!.split('/').at(-1)!)
/** A probe begins with a list of one item; where the list is empty, it needs no more. */
const isProbe = ({ url }: RecordedRequest) => url.includes('pageSize=1&') || url.endsWith('/Search')
let tokens = 0
const served: RecordingPeer['answer'] = (request, response) => {
  if (isToken(request)) return json(response, 200, { accessToken: `token-${++tokens}`, expiresIn: 864_000 })
  if (isProbe(request)) return json(response, 200, { items: [], paging: {}, result: [], totalHits: 0 })
  const id = idOf(request)
  if (request.url.includes('/api/')) return json(response, 200, { customerId: id, modified: '2026-01-01T00:00:00Z' })
  return json(response, 200, {
    customerUid: id,
    customerType: 'PERSON',
    lastModifiedAt: '2026-01-01T00:00:00Z',
    a: { new: ['field'] },
  })
}

beforeAll(async () => {
  peer = await startRecordingPeer(served)
  world = await startWorld({
    file: 'clients',
    services: ['flow-ingest', 'omnium-ingest'],
    tenants: TENANTS,
    flowFields: () => ({ baseUrl: peer.url, requestsPerSecond: RATE, maxInFlight: 20 }),
    omniumFields: () => ({ baseUrl: peer.url }),
    env: {
      FLOW_RATE_SHARE: SHARE,
      OMNIUM_RATE_SHARE: SHARE,
      KAFKA_SESSION_TIMEOUT_MS: '6000',
      RETRY_MAX_ATTEMPTS: '2',
    },
  })
})
afterEach(() => {
  peer.answer = served
})
afterAll(async () => {
  await world?.stop()
  await peer?.close()
})

type Source = 'flow' | 'omnium'
const notify = async (source: Source, tenant: string, ids: readonly string[]) => {
  const url = `${world.services.get(`${source}-ingest`)!.webhookUrl}/webhooks/${source}/${tenant}`
  const event = source === 'flow' ? flowEvent : omniumEvent
  const answers = await Promise.all(
    ids.map((id) => postWebhook(url, event(id), { authorization: 'Bearer a-webhook-secret' })),
  )
  expect(answers.filter(({ status }) => status !== 202)).toEqual([])
}
const of = (tenant: string) => peer.requests.filter(({ url }) => url.includes(`/tenants/${tenant}/`))
const endsOf = async (tenant: string) =>
  (await world.topics.records('sync.outcomes.v1')).flatMap(({ value }) => (value?.tenant === tenant ? [value] : []))
const untilEnded = (tenant: string, count: number) =>
  eventually(`${count} ends of ${tenant}`, async () => (await endsOf(tenant)).length >= count)
const many = (count: number, name: string) => Array.from({ length: count }, (_, n) => `${name}-${n}`)
const circuits = async (source: Source) => {
  const answer = await fetch(`${world.services.get(`${source}-ingest`)!.adminUrl}/ready`)
  const body = (await answer.json()) as {
    ready: boolean
    circuits: { tenant: string; state: string; cause: string | null }[]
  }
  return { ready: body.ready, of: (tenant: string) => body.circuits.find((each) => each.tenant === tenant) }
}

describe('a request to a peer', () => {
  it('names any id as it is, says who asks, and keeps every field of the answer', async () => {
    const ids = ['+47 900@x', 'a/b', '50%', '?x=1#y', 'æøå', 'a:b', ' ', '..', '%2e%2e', 'x;y=z', '"quoted"']
    await notify('flow', 'ids-no', ids)
    await untilEnded('ids-no', ids.length)

    expect(
      of('ids-no')
        .map(({ url }) => decodeURIComponent(url.slice('/tenants/ids-no/customers/'.length)))
        .sort(),
    ).toEqual(ids.toSorted())
    for (const { headers } of of('ids-no')) {
      expect(headers['user-agent']).toMatch(/^flow-omnium-sync\/\d+\.\d+\.\d+ \(flow-ingest\)$/)
      expect(headers.authorization).toBe('Bearer flow-token-ids-no')
    }
    const kept = async () =>
      (await world.topics.records('flow.customers.v1')).flatMap(({ key, value }) =>
        key?.startsWith('ids-no:') ? [value?.customer.a] : [],
      )
    await eventually('the snapshots', async () => (await kept()).length === ids.length)
    expect(await kept()).toEqual(ids.map(() => ({ new: ['field'] })))
  })

  it('waits for its turn: no more a second than the service’s share, by connections that are reused', async () => {
    peer.answer = (request, response) => void setTimeout(() => served(request, response), 50)
    const count = 100
    await notify('flow', 'pace-no', many(count, 'pace'))
    await untilEnded('pace-no', count)

    const asked = of('pace-no')
    const rate = RATE * Number(SHARE)
    const seconds = (asked.at(-1)!.at - asked[0]!.at) / 1_000
    // What the bucket holds goes at once.
    expect((asked.length - 1) / seconds).toBeLessThan(rate * 1.35)
    // A read is sent again when its answer takes unusually long.
    expect(new Set(asked.map(({ url }) => url)).size).toBe(count)
    // Ten are under way at once at most; a busy process may send the next before it has seen that an answer is over.
    expect(new Set(asked.map(({ connection }) => connection)).size).toBeLessThanOrEqual(20)
  })

  it('waits while as many are under way as the service’s share of the cap', async () => {
    // Sooner than a read is given up and sent again. The peer sees only later that the read was given up.
    peer.answer = (request, response) => void setTimeout(() => served(request, response), 600)
    await notify('flow', 'cap-no', many(30, 'cap'))
    await untilEnded('cap-no', 30)

    expect(Math.max(...of('cap-no').map(({ inFlight }) => inFlight))).toBe(20 * Number(SHARE))
  })

  it('that is answered 429 is repeated after its Retry-After, and the other customers are not delayed by it', async () => {
    let refused: { readonly id: string; readonly at: number } | null = null
    peer.answer = (request, response) => {
      if (isProbe(request) || refused !== null || of('throttle-no').length < 5) return served(request, response)
      refused = { id: idOf(request), at: performance.now() }
      return json(response, 429, {}, { 'retry-after': '2' })
    }
    const count = 30
    await notify('flow', 'throttle-no', many(count, 'throttle'))
    await untilEnded('throttle-no', count)

    const { id, at } = refused!
    const [repeated, ...more] = of('throttle-no').filter((request) => request.at > at && idOf(request) === id)
    expect(more).toEqual([])
    expect(repeated!.at - at).toBeGreaterThan(1_950)
    expect(repeated!.at - at).toBeLessThan(4_500)
    const meanwhile = of('throttle-no').filter((request) => request.at > at && request.at < at + 1_900)
    expect(meanwhile.length).toBeGreaterThan(10)
    expect((await endsOf('throttle-no')).map(({ outcome }) => outcome)).toEqual(many(count, '').map(() => 'done'))
  })

  it.each<[string, RecordingPeer['answer']]>([
    ['a page', (_request, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')],
    ['no JSON', (_request, response) => void response.writeHead(200).end('{"customerUid":')],
    ['fields of another type', (_request, response) => json(response, 200, { customerUid: {}, customerType: 7 })],
    [
      'more than any record is',
      (request, response) =>
        json(response, 200, { customerUid: idOf(request), customerType: 'PERSON', x: 'x'.repeat(11_000_000) }),
    ],
  ])('whose answer is %s is its record’s failure alone, which is parked', async (what, answer) => {
    const id = `odd ${what}`
    peer.answer = (request, response) => (idOf(request) === id ? answer(request, response) : served(request, response))
    await notify('flow', 'odd-no', [id, `${id}, the next`])
    await eventually(
      'both ends',
      async () => (await endsOf('odd-no')).filter((it) => it.id.startsWith(id)).length === 2,
    )

    const ends = new Map((await endsOf('odd-no')).map(({ id, outcome, reason }) => [id, reason ?? outcome]))
    const parkedAs = what === 'a page' ? 'blocked-by-proxy' : 'attempts-exhausted'
    expect([ends.get(id), ends.get(`${id}, the next`)]).toEqual([parkedAs, 'done'])
    expect((await circuits('flow')).of('odd-no')).toMatchObject({ state: 'closed' })
  })

  it('that is never answered is given up at its deadline', async () => {
    const given: number[] = []
    peer.answer = (request, response) => {
      if (idOf(request) !== 'hangs') return served(request, response)
      const at = performance.now()
      response.once('close', () => given.push(performance.now() - at))
    }
    await notify('flow', 'hang-no', ['hangs'])
    await untilEnded('hang-no', 1)

    // Two attempts, and in each the read is sent three times.
    expect(given).toHaveLength(6)
    // The deadline is 40 % of the session timeout, because a request must end well before the session does.
    for (const ms of given) expect(ms).toBeLessThan(4_800)
    expect(Math.max(...given)).toBeGreaterThan(2_300)
    expect((await endsOf('hang-no')).map(({ outcome }) => outcome)).toEqual(['parked'])
  })

  it('follows no redirect, so that nobody else gets the token', async () => {
    const elsewhere = await startRecordingPeer((_request, response) => json(response, 200, {}))
    peer.answer = (request, response) =>
      isProbe(request) ? served(request, response) : json(response, 302, {}, { location: `${elsewhere.url}/x` })
    await notify('flow', 'redirect-no', ['moved'])
    await untilEnded('redirect-no', 1)

    expect(elsewhere.requests).toEqual([])
    expect((await endsOf('redirect-no')).map(({ outcome }) => outcome)).toEqual(['parked'])
    await elsewhere.close()
  })
})

describe('a token of Omnium', () => {
  it('is fetched once for all, and once more when it is refused, whoever is refused; and never logged', async () => {
    const asked = () => peer.requests.filter((it) => isToken(it) && it.url.includes('client-tokens-no')).length
    let valid = 'none'
    let refused = 0
    peer.answer = (request, response) => {
      if (isToken(request)) {
        valid = `secret-token-${asked()}`
        setTimeout(() => json(response, 200, { accessToken: valid, expiresIn: 864_000 }), 100)
        return
      }
      if (request.headers.authorization === `Bearer ${valid}`) return served(request, response)
      refused++
      return json(response, 401, {})
    }

    await notify('omnium', 'tokens-no', many(20, 'first'))
    await untilEnded('tokens-no', 20)
    expect([asked(), refused]).toEqual([1, 0])

    valid = 'ended before its time'
    await notify('omnium', 'tokens-no', many(20, 'second'))
    await untilEnded('tokens-no', 40)
    expect(asked()).toBe(2)
    expect(refused).toBeGreaterThan(0)
    expect((await endsOf('tokens-no')).filter(({ outcome }) => outcome !== 'done')).toEqual([])
    expect(world.services.get('omnium-ingest')!.output()).not.toMatch(/secret-token|omnium-secret-tokens/)
  })

  it('that its credentials don’t get stops their tenant alone, which /ready and the metrics name', async () => {
    peer.answer = (request, response) =>
      isToken(request) && request.url.includes('client-wrong-no') ? json(response, 401, {}) : served(request, response)
    await notify('omnium', 'wrong-no', ['waits'])
    const open = async () => (await circuits('omnium')).of('wrong-no')?.state === 'open'
    await eventually('its circuit being open', open)
    await notify('omnium', 'right-no', ['goes-on'])
    await untilEnded('right-no', 1)

    const { ready, of } = await circuits('omnium')
    expect([ready, of('wrong-no')?.cause, of('right-no')?.state]).toEqual([true, 'unauthorized', 'closed'])
    const text = await world.services.get('omnium-ingest')!.metrics()
    expect(text).toContain('sync_circuit_state{target="omnium",tenant="wrong-no"} 2')
    expect(text).toContain('sync_credentials_refused{target="omnium",tenant="wrong-no"} 1')
    expect(text).not.toContain('sync_credentials_refused{target="omnium",tenant="right-no"}')
    expect(await endsOf('wrong-no')).toEqual([])

    peer.answer = served
    await untilEnded('wrong-no', 1)
    expect((await endsOf('wrong-no')).map(({ outcome }) => outcome)).toEqual(['done'])
    expect(await world.services.get('omnium-ingest')!.metrics()).not.toMatch(/^sync_credentials_refused\{/m)
  })
})
