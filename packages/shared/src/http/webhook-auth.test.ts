import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type Credentials, hasValidSignature, isSigned, showsSecret } from './webhook-auth.ts'

const NOW = Date.parse('2026-02-01T00:00:00Z')
const BODY = Buffer.from('{"action":"CUSTOMER_UPDATE"}')
const CURRENT = 'current+secret/=='
const NEXT = `whsec_${Buffer.from('the next secret').toString('base64')}`
const SECRETS = [CURRENT, NEXT]

const bearer = (secret: string): Credentials => ({ headers: { authorization: `Bearer ${secret}` }, key: undefined })
const basic = (secret: string): Credentials => ({
  headers: { authorization: `Basic ${Buffer.from(`any:${secret}`).toString('base64')}` },
  key: undefined,
})
const query = (secret: string): Credentials => ({ headers: {}, key: secret })
const keyOf = (secret: string) =>
  secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret)
const signed = (secret: string, { at = NOW, body = BODY, others = '' } = {}): Credentials => {
  const timestamp = String(Math.floor(at / 1000))
  const content = Buffer.concat([Buffer.from(`msg_1.${timestamp}.`), body])
  const signature = createHmac('sha256', keyOf(secret)).update(content).digest('base64')
  return {
    headers: {
      'webhook-id': 'msg_1',
      'webhook-timestamp': timestamp,
      'webhook-signature': `${others}v1,${signature}`,
    },
    key: undefined,
  }
}
const isGranted = (credentials: Credentials, secrets: readonly string[] = SECRETS) =>
  showsSecret(credentials, secrets) || hasValidSignature(credentials, BODY, secrets, NOW)

describe.each([
  ['Bearer', bearer],
  ['the password of Basic', basic],
  ['the key of the query', query],
  ['a Standard Webhooks signature', signed],
])('by %s', (_way, shown) => {
  test.each([
    ['the current secret', CURRENT, true],
    ['the next secret, while both are valid', NEXT, true],
    ['a wrong secret', 'another secret', false],
    ['the beginning of a secret', CURRENT.slice(0, -1), false],
    ['a secret and more', `${CURRENT}x`, false],
  ])('%s', (_case, secret, granted) => {
    expect(isGranted(shown(secret))).toBe(granted)
  })

  test('a secret that was rotated out no longer counts', () => {
    expect(isGranted(shown(CURRENT), [NEXT])).toBe(false)
  })

  test('nothing meets an empty secret', () => {
    expect(isGranted(shown(''), [''])).toBe(false)
    expect(isGranted(shown(''), ['whsec_'])).toBe(false)
  })
})

test('a secret beyond ASCII is compared by its UTF-8 bytes', () => {
  const asNodeReadsIt = Buffer.from('hemmelig-ærlig').toString('latin1')

  expect(isGranted(bearer(asNodeReadsIt), ['hemmelig-ærlig'])).toBe(true)
  expect(isGranted(basic('hemmelig-ærlig'), ['hemmelig-ærlig'])).toBe(true)
})

test('a base64 secret counts though its + was left unencoded in the URL', () => {
  expect(isGranted(query(CURRENT.replace('+', ' ')))).toBe(true)
})

test.each<[string, Credentials]>([
  ['nothing', { headers: {}, key: undefined }],
  ['another scheme', { headers: { authorization: `Digest ${CURRENT}` }, key: undefined }],
  ['Basic without a colon', { headers: { authorization: `Basic ${btoa(CURRENT)}` }, key: undefined }],
  ['a secret as the user of Basic', { headers: { authorization: `Basic ${btoa(`${CURRENT}:x`)}` }, key: undefined }],
  ['several keys', { headers: {}, key: [CURRENT, CURRENT] }],
])('%s shows no secret', (_case, credentials) => {
  expect(isGranted(credentials)).toBe(false)
})

describe('signatures', () => {
  test('the example of the Standard Webhooks libraries is valid', () => {
    const credentials: Credentials = {
      headers: {
        'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
        'webhook-timestamp': '1614265330',
        'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
      },
      key: undefined,
    }
    const secrets = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']

    expect(hasValidSignature(credentials, Buffer.from('{"test": 2432232314}'), secrets, 1614265330_000)).toBe(true)
  })

  test.each([
    ['now', 0, true],
    ['4 minutes old', -240_000, true],
    ['4 minutes ahead', 240_000, true],
    ['6 minutes old', -360_000, false],
    ['6 minutes ahead', 360_000, false],
  ])('%s', (_case, ageMs, granted) => {
    const credentials = signed(CURRENT, { at: NOW + ageMs })

    expect(isSigned(credentials, NOW)).toBe(granted)
    expect(isGranted(credentials)).toBe(granted)
  })

  test('one of several is enough, and other versions are passed over', () => {
    expect(isGranted(signed(CURRENT, { others: 'v1a,abc v1,AAAA ' }))).toBe(true)
  })

  test('a changed body, id or time is refused', () => {
    const valid = signed(CURRENT)
    const with_ = (headers: Record<string, string>) => ({ ...valid, headers: { ...valid.headers, ...headers } })

    expect(hasValidSignature(valid, Buffer.from(`${BODY} `), SECRETS, NOW)).toBe(false)
    expect(isGranted(with_({ 'webhook-id': 'msg_2' }))).toBe(false)
    expect(isGranted(with_({ 'webhook-timestamp': String(NOW / 1000 + 1) }))).toBe(false)
    expect(isGranted(with_({ 'webhook-timestamp': 'now' }))).toBe(false)
    expect(isGranted(with_({ 'webhook-signature': '' }))).toBe(false)
  })
})
