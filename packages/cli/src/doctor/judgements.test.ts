import type { OmniumCustomer } from '@sync/shared/omnium/schema'
import { aTenant } from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { EXIT } from '../exit.ts'
import { judgeClock } from './check-clock.ts'
import { judgeDrift } from './check-drift.ts'
import { judgeSweep, judgeWebhook } from './check-kafka.ts'
import { judgeReads } from './check-reads.ts'
import { checkSecrets } from './check-secrets.ts'
import { broken, exitCodeOf, look, ok } from './finding.ts'
import { judgeService } from './judge-services.ts'
import { judgeApiUsers, judgeTarget } from './judge-targets.ts'

const NOW = Date.parse('2026-05-01T12:00:00Z')
const MINUTE_MS = 60_000

test('the worst line decides the exit code', () => {
  const fine = ok('a', 'fine')
  const odd = look('b', 'odd', 'look')
  const bad = broken('c', 'bad', 'act')
  expect(exitCodeOf([])).toBe(EXIT.ok)
  expect(exitCodeOf([fine])).toBe(EXIT.ok)
  expect(exitCodeOf([fine, odd])).toBe(EXIT.differences)
  expect(exitCodeOf([bad, odd, fine])).toBe(EXIT.error)
})

describe('the clock of a peer', () => {
  test.each([
    ['agrees', '2026-05-01T12:00:00Z', 'ok'],
    ['is a second behind, which a Date header can not tell', '2026-05-01T11:59:58Z', 'ok'],
    ['is ten seconds ahead', '2026-05-01T12:00:10Z', 'look'],
    ['is a minute and a half behind', '2026-05-01T11:58:30Z', 'broken'],
    ['is not said', null, 'ok'],
  ])('that %s', (_what, date, verdict) => {
    const header = date === null ? null : new Date(date).toUTCString()
    expect(judgeClock('omnium', header, NOW, NOW + 100).verdict).toBe(verdict)
  })

  test('is judged leniently by a slow answer', () => {
    const header = new Date(NOW).toUTCString()
    expect(judgeClock('flow', header, NOW - 9_000, NOW).verdict).toBe('ok')
  })
})

describe('a webhook secret', () => {
  const judged = (reference: string, secret: string | null) => checkSecrets([{ reference, secret }])[0]

  test.each([
    ['env:SECRET', 'x'.repeat(32), 'ok'],
    ['env:SECRET', 'short', 'look'],
    ['file:/run/secret', 'x'.repeat(16), 'ok'],
    ['x'.repeat(32), 'x'.repeat(32), 'look'],
    ['env:MISSING', null, 'broken'],
    ['file:/empty', '', 'broken'],
  ])('that stands as %s and is %s', (reference, secret, verdict) => {
    expect(judged(reference, secret)).toMatchObject({ verdict })
  })

  test('is never printed', () => {
    expect(JSON.stringify(checkSecrets([{ reference: 'a-literal-secret', secret: 'a-literal-secret' }]))).not.toContain(
      'a-literal-secret',
    )
  })
})

describe('by-id reads, compared with Search', () => {
  const customer = (fields: object = {}) =>
    ({ customerId: '1', modified: '2026-05-01T10:00:00Z', ...fields }) as OmniumCustomer

  test('agree', () => {
    expect(judgeReads('private', [{ byId: customer(), found: customer() }])).toMatchObject({ verdict: 'ok' })
    expect(judgeReads('private', [])).toMatchObject({ verdict: 'ok' })
  })

  test('name the fields that Search leaves out', () => {
    const finding = judgeReads('private', [{ byId: customer({ tags: [] }), found: customer() }])
    expect(finding).toMatchObject({ verdict: 'ok', found: '1 customers agree, and Search leaves out tags' })
  })

  test('differ', () => {
    const other = customer({ modified: '2026-05-01T09:00:00Z' })
    expect(judgeReads('private', [{ byId: other, found: customer() }])).toMatchObject({ verdict: 'look' })
    expect(judgeReads('private', [{ byId: null, found: customer() }])).toMatchObject({ verdict: 'look' })
  })
})

test.each([
  [null, 'look'],
  [NOW - 5 * MINUTE_MS, 'ok'],
  [NOW - 45 * MINUTE_MS, 'look'],
  [NOW - 25 * 60 * MINUTE_MS, 'broken'],
])('a list that was swept at %s', (sweptAt, verdict) => {
  expect(judgeSweep('flow customers', sweptAt, NOW).verdict).toBe(verdict)
})

const state = (fields: object = {}) => ({
  ...{ tenant: 'acme', source: 'omnium' as const, entity: 'target-state' as const, mark: 'closed' },
  ...{
    sweptAt: new Date(NOW - MINUTE_MS).toISOString(),
    process: 'customer-mapper/one',
    requests: 1_000,
    throttled: 0,
  },
  ...fields,
})

describe('the circuits and limits of a target', () => {
  const verdicts = (...fields: object[]) => judgeTarget('omnium', fields.map(state), NOW).map(({ verdict }) => verdict)

  test.each([
    ['closed', {}, ['ok', 'ok']],
    ['open', { mark: 'open', cause: 'unreachable' }, ['broken', 'ok']],
    ['half-open', { mark: 'half-open' }, ['look', 'ok']],
    ['throttled now and then', { throttled: 10 }, ['ok', 'ok']],
    ['throttled often', { throttled: 11 }, ['ok', 'look']],
    [
      'told more than an hour ago',
      { mark: 'open', sweptAt: new Date(NOW - 61 * MINUTE_MS).toISOString() },
      ['ok', 'ok'],
    ],
  ])('that are %s', (_what, fields, expected) => {
    expect(verdicts(fields)).toEqual(expected)
  })

  test('are judged over all processes', () => {
    expect(verdicts({ throttled: 15 }, { process: 'relation-manager/one' })).toEqual(['ok', 'ok'])
    expect(judgeTarget('omnium', [], NOW)).toMatchObject([{ verdict: 'ok' }, { verdict: 'ok' }])
  })
})

describe('an API user for each service', () => {
  const CALLERS = ['omnium-ingest', 'customer-mapper', 'relation-manager', 'syncctl']
  const advice =
    'Name an API user for each of them in omnium.apiUsers, so that each has the limits of its own API user.'
  const judged = (owners: readonly string[], fields: object = {}) => {
    const apiUsers = Object.fromEntries(
      owners.map((name) => [name, { clientId: name, clientSecret: 's', apiUser: name }]),
    )
    return judgeApiUsers(aTenant({ omnium: { ...aTenant().omnium, apiUsers } }), [state(fields)], NOW)
  }

  test('is recommended, and its absence alone is nothing to look at', () => {
    const found = 'without an API user of its own: omnium-ingest, customer-mapper, relation-manager, syncctl'
    expect(judged([])).toEqual({ check: 'omnium: API users', verdict: 'ok', found, advice })
    expect(judged([], { throttled: 10 })).toMatchObject({ verdict: 'ok', advice })
  })

  test('is to be named when Omnium has refused too many requests within the last hour', () => {
    expect(judged([], { throttled: 11 })).toMatchObject({ verdict: 'look', advice })
    const anHourAgo = new Date(NOW - 61 * MINUTE_MS).toISOString()
    expect(judged([], { throttled: 11, sweptAt: anHourAgo })).toMatchObject({ verdict: 'ok' })
  })

  test('that only some services have is recommended to the others', () => {
    const found = 'without an API user of its own: relation-manager, syncctl'
    expect(judged(['customer-mapper', 'omnium-ingest'], { throttled: 11 })).toMatchObject({ verdict: 'look', found })
  })

  test('that every service has is fine, whatever Omnium refuses', () => {
    const found = 'each service has an API user of its own'
    const expected = { check: 'omnium: API users', verdict: 'ok', found, advice: null }
    expect(judged(CALLERS, { throttled: 500 })).toEqual(expected)
  })
})

test('a peer whose webhooks do not arrive is looked at', () => {
  expect(judgeWebhook('flow', 'acme', NOW - MINUTE_MS, NOW)).toMatchObject({ verdict: 'ok', found: '1 min 0 s ago' })
  expect(judgeWebhook('flow', 'acme', null, NOW)).toMatchObject({ verdict: 'look' })
})

describe('a service', () => {
  const HOUR_MS = 60 * MINUTE_MS
  const judged = (service: 'flow-ingest' | 'customer-mapper', members: number, ageMs: number | null) => {
    const sweptAt = new Date(NOW - (ageMs ?? 0)).toISOString()
    const states = ageMs === null ? [] : [state({ process: `${service}/one`, sweptAt })]
    return judgeService(service, members, states, NOW)
  }

  test.each([
    [
      'flow-ingest',
      1,
      5 * MINUTE_MS,
      'ok',
      '1 process in its consumer group; last reported on this tenant 5 min 0 s ago',
    ],
    [
      'flow-ingest',
      2,
      2 * HOUR_MS,
      'look',
      '2 processes in its consumer group; last reported on this tenant 2 h 0 min ago',
    ],
    ['flow-ingest', 1, null, 'ok', 'has not reported on this tenant yet'],
    ['customer-mapper', 1, 2 * HOUR_MS, 'ok', 'because it reports only while it sends requests'],
    ['customer-mapper', 0, 5 * MINUTE_MS, 'broken', 'no process is in its consumer group; last reported'],
    ['customer-mapper', 0, null, 'broken', 'has not reported on this tenant yet'],
  ] as const)('%s of %s processes that reported %s ms ago', (service, members, ageMs, verdict, found) => {
    expect(judged(service, members, ageMs)).toMatchObject({ verdict, found: expect.stringContaining(found) })
  })
})

test('a circuit that is open because of the credentials is about the credentials', () => {
  const [circuits] = judgeTarget('flow', [state({ mark: 'open', cause: 'unauthorized' })], NOW)
  expect(circuits).toMatchObject({ advice: expect.stringContaining('Check the credentials of flow') })
})

test('the drift says how many customers were compared, and how many not', () => {
  expect(judgeDrift(new Map(), 4, 4, 'acme')).toMatchObject({ verdict: 'ok', found: 'none in 4 customers' })
  expect(judgeDrift(new Map([['differs', 2]]), 4, 50, 'acme')).toMatchObject({
    verdict: 'look',
    found: '2 differs in 4 customers; there was no time for 46 customers more',
  })
})
