import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import type { FaultRule } from './fault-rule.ts'
import { createTestStandIns } from './testing-stand-ins.ts'

const standIns = createTestStandIns()
const agents: Agent[] = []
afterEach(async () => {
  for (const agent of agents.splice(0)) agent.destroy()
  await standIns.closeAll()
})

async function flowWithCustomer() {
  const stage = await standIns.flow()
  stage.flow.createCustomer('acme', { customerUid: 'c1', customerType: 'PERSON', firstname: 'Åda' })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  agents.push(agent)
  /** One request on the one connection, with the bytes of its body as they came. */
  const send = (method = 'GET', body?: object) =>
    new Promise<{ message: IncomingMessage; bytes: Buffer }>((resolve, reject) => {
      const headers = {
        authorization: 'Bearer acme-token',
        'accept-encoding': 'identity',
        'content-type': 'application/json',
      }
      const request = httpRequest(`${stage.url}/tenants/acme/customers/c1`, { method, agent, headers }, (message) => {
        const chunks: Buffer[] = []
        message.on('data', (chunk) => chunks.push(chunk))
        message.on('end', () => resolve({ message, bytes: Buffer.concat(chunks) }))
        message.on('error', reject)
      })
      request.on('error', reject)
      request.end(body === undefined ? undefined : JSON.stringify(body))
    })
  const json = JSON.stringify(stage.flow.customer('acme', 'c1'))
  return { ...stage, send, json }
}

describe('the body of an answer', () => {
  test.each([
    ['gzip', 'gzip', gunzipSync],
    ['x-gzip', 'x-gzip', gunzipSync],
    ['br', 'br', brotliDecompressSync],
    ['deflate', 'deflate', inflateSync],
    ['deflate-raw', 'deflate', inflateRawSync],
    ['zstd', 'zstd', zstdDecompressSync],
    ['compress', 'compress', (bytes: Buffer) => bytes],
    ['gzip, br', 'gzip, br', (bytes: Buffer) => gunzipSync(brotliDecompressSync(bytes))],
  ])('is encoded by %s, although nobody asked for an encoding', async (encoding, header, decode) => {
    const { flow, send, json } = await flowWithCustomer()
    flow.faults.add({ kind: 'answer-body', encoding })

    const { message, bytes } = await send()

    expect([message.statusCode, message.headers['content-encoding']]).toEqual([200, header])
    expect(decode(bytes).toString()).toBe(json)
  })

  const rows: {
    rule: Omit<FaultRule, 'kind'>
    headers: Record<string, string | null>
    text: (json: string) => string
  }[] = [
    {
      rule: { chunked: true },
      headers: { 'transfer-encoding': 'chunked', 'content-length': null },
      text: (json) => json,
    },
    { rule: { empty: true }, headers: { 'content-length': '0' }, text: () => '' },
    { rule: { empty: true, encoding: 'gzip' }, headers: { 'content-encoding': 'gzip' }, text: () => '' },
    { rule: { contentType: 'text/plain' }, headers: { 'content-type': 'text/plain' }, text: (json) => json },
    {
      rule: { contentType: 'application/json' },
      headers: { 'content-type': 'application/json' },
      text: (json) => json,
    },
    { rule: { contentType: '' }, headers: { 'content-type': null }, text: (json) => json },
    { rule: { bom: true }, headers: {}, text: (json) => `\uFEFF${json}` },
  ]
  test.each(rows)('is as $rule says, and the write took effect', async ({ rule, headers, text }) => {
    const { flow, send } = await flowWithCustomer()
    flow.faults.add({ kind: 'answer-body', ...rule })

    const { message, bytes } = await send('PUT', { mobile: '1' })

    const seen = Object.keys(headers).map((name) => [name, message.headers[name] ?? null])
    expect(Object.fromEntries(seen)).toEqual(headers)
    expect(bytes.toString()).toBe(text(JSON.stringify(flow.customer('acme', 'c1'))))
    expect(flow.customer('acme', 'c1')?.mobile).toBe('1')
  })

  test.each(['latin1', 'utf16le'] as const)('is in %s, whatever its content type says', async (charset) => {
    const { flow, send, json } = await flowWithCustomer()
    flow.faults.add({ kind: 'answer-body', charset })

    const { message, bytes } = await send()

    expect([message.headers['content-type'], bytes.toString(charset)]).toEqual([
      'application/json; charset=utf-8',
      json,
    ])
  })

  test('is encoded and then broken', async () => {
    const { flow, send } = await flowWithCustomer()
    flow.faults.add({ kind: 'answer-body', encoding: 'gzip', corrupt: true })

    const { bytes } = await send()

    expect(() => gunzipSync(bytes)).toThrow()
  })

  test('is encoded and chunked of a refusal too', async () => {
    const { flow, send } = await flowWithCustomer()
    flow.deleteCustomer('acme', 'c1')
    flow.faults.add({ kind: 'answer-body', encoding: 'gzip', chunked: true })

    const { message, bytes } = await send()

    expect([message.statusCode, message.headers['content-length']]).toEqual([404, undefined])
    expect(JSON.parse(gunzipSync(bytes).toString())).toMatchObject({ message: 'no such customer' })
  })

  test('is encoded of what a gateway answers too', async () => {
    const { flow, send } = await flowWithCustomer()
    flow.faults.add({ kind: 'gateway', status: 404 })
    flow.faults.add({ kind: 'answer-body', encoding: 'gzip', chunked: true })

    const { message, bytes } = await send()

    expect([message.statusCode, gunzipSync(bytes).toString()]).toEqual([404, expect.stringContaining('<html>')])
  })

  test.each([{}, { reset: true }])('breaks off after the write took effect: %j', async (how) => {
    const { flow, send } = await flowWithCustomer()
    flow.faults.add({ kind: 'answer-cut', count: 1, ...how })

    await expect(send('PUT', { mobile: '1' })).rejects.toThrow()

    expect(flow.customer('acme', 'c1')?.mobile).toBe('1')
    expect((await send()).message.statusCode).toBe(200)
  })
})

describe('a keep-alive race', () => {
  test.each([{}, { reset: true }])(
    'closes a used connection at its next request, which is not handled: %j',
    async (how) => {
      const { flow, send } = await flowWithCustomer()
      flow.faults.add({ kind: 'keep-alive-race', count: 2, ...how })

      const first = await send('PUT', { mobile: '1' })
      await expect(send('PUT', { mobile: '2' })).rejects.toThrow()
      const onNewConnection = await send('PUT', { mobile: '3' })
      await expect(send()).rejects.toThrow()
      await send()
      const counted = await send()

      expect([first, onNewConnection, counted].map(({ message }) => message.statusCode)).toEqual([200, 200, 200])
      expect(flow.journal.writes().filter(({ operation }) => operation === 'updated')).toHaveLength(2)
      expect(flow.journal.entries({ kind: 'request' })[1]).toMatchObject({ fault: 'keep-alive-race', status: null })
    },
  )

  test('sends no byte of an answer', async () => {
    const { flow, url } = await flowWithCustomer()
    flow.faults.add({ kind: 'keep-alive-race' })
    const get = 'GET /tenants/acme/customers/c1 HTTP/1.1\r\nhost: a\r\nauthorization: Bearer acme-token\r\n\r\n'
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    let received = ''
    const first = new Promise<void>((resolve) => {
      socket.on('data', (data) => {
        received += data
        resolve()
      })
    })
    socket.write(get)
    await first
    const before = received

    socket.write(get)
    await new Promise((resolve) => socket.on('close', resolve))

    expect(received).toBe(before)
  })
})
