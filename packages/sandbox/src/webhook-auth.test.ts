import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { signedRequest, type WebhookAuth } from './webhook-auth.ts'

const message = { id: 'msg_1', timestampSeconds: 1_700_000_000, body: '{"a":1}' }
const url = 'http://127.0.0.1:1/hook?x=1'
const signed = (auth: WebhookAuth) => signedRequest({ url, auth }, message)

test('a bearer secret goes into the authorization header', () => {
  expect(signed({ kind: 'bearer', secret: 's3' }).headers.authorization).toBe('Bearer s3')
})

test('a basic secret is the password', () => {
  const { headers } = signed({ kind: 'basic', username: 'u', secret: 's:3' })

  expect(headers.authorization).toBe(`Basic ${btoa('u:s:3')}`)
})

test('a key goes into the URL, escaped', () => {
  expect(signed({ kind: 'key', secret: 'a&b=c' }).url).toBe(`${url}&key=a%26b%3Dc`)
})

test.each([
  { secret: 'plain bytes', key: Buffer.from('plain bytes') },
  { secret: `whsec_${Buffer.from('raw').toString('base64')}`, key: Buffer.from('raw') },
])('a Standard Webhooks signature covers id, time and body, keyed by $secret', ({ secret, key }) => {
  const { headers } = signed({ kind: 'signature', secret })

  const expected = createHmac('sha256', key).update('msg_1.1700000000.{"a":1}').digest('base64')
  expect(headers).toMatchObject({
    'webhook-id': 'msg_1',
    'webhook-timestamp': '1700000000',
    'webhook-signature': `v1,${expected}`,
  })
})
