import type { ServerResponse } from 'node:http'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { SyncError } from '../errors.ts'
import { aCall } from '../testing/builders.ts'
import { startHttpServer } from '../testing/http-server.ts'
import { createBase } from './base.ts'
import { createDispatchers } from './dispatchers.ts'
import type { HttpAnswer } from './request.ts'
import { afterDelay } from './schedule.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

interface Sent {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly parts: readonly (Buffer | string)[]
  readonly isWrite?: boolean
  readonly maxAnswerBytes?: number
}

/** The answer of the base layer to what a server sends, or its failure. */
async function answerTo({ status = 200, headers = {}, parts, isWrite = false, maxAnswerBytes = 100_000 }: Sent) {
  const answer = (response: ServerResponse) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    for (const part of parts) response.write(part)
    response.end()
  }
  const server = await startHttpServer((_request, response) => answer(response))
  const dispatchers = createDispatchers({ connectTimeoutMs: 10_000 })
  closing.push(server.close, dispatchers.close)
  const base = createBase({
    deadlineMs: 10_000,
    maxAnswerBytes,
    userAgent: 'flow-omnium-sync/0',
    dispatcherOf: dispatchers.of,
    schedule: afterDelay,
  })
  const asked = { target: 'flow', baseUrl: server.url, path: '/customers/1000', call: aCall() } as const
  const sending = isWrite
    ? base({ ...asked, operation: 'update-customer', method: 'PUT', body: { email: 'kari@example.com' } })
    : base({ ...asked, operation: 'get-customer', method: 'GET' })
  return sending.then(
    (read: HttpAnswer) => ({ status: read.status, text: read.text }),
    (error: unknown) => {
      if (!(error instanceof SyncError)) throw error
      return { code: error.code, message: error.message, unknownEnd: error.unknownEnd }
    },
  )
}

const TEXT = '{"navn":"Kåre ☕"}'
const encoded = (encoding: string | string[], bytes: Buffer, more: Partial<Sent> = {}) =>
  answerTo({ headers: { 'content-encoding': encoding }, parts: [bytes], ...more })

describe('the body of an answer', () => {
  it.each([
    ['gzip', gzipSync(TEXT)],
    ['GZip', gzipSync(TEXT)],
    ['x-gzip', gzipSync(TEXT)],
    ['deflate', deflateSync(TEXT)],
    ['deflate', deflateRawSync(TEXT)],
    ['br', brotliCompressSync(TEXT)],
    ['zstd', zstdCompressSync(TEXT)],
    ['identity', Buffer.from(TEXT)],
    ['', Buffer.from(TEXT)],
    ['gzip, br', brotliCompressSync(gzipSync(TEXT))],
    [['gzip', 'br'], brotliCompressSync(gzipSync(TEXT))],
    ['gzip, identity', gzipSync(TEXT)],
  ])('is decoded from %s, although we ask for identity', async (encoding, bytes) => {
    expect(await encoded(encoding, bytes)).toEqual({ status: 200, text: TEXT })
  })

  it('is decoded when it comes in chunks that end in the middle of a letter', async () => {
    const bytes = Buffer.from(TEXT)
    const middle = bytes.indexOf('å') + 1
    const zipped = gzipSync(TEXT)

    expect(await answerTo({ parts: [bytes.subarray(0, middle), bytes.subarray(middle)] })).toMatchObject({ text: TEXT })
    expect(
      await answerTo({
        headers: { 'content-encoding': 'gzip' },
        parts: [zipped.subarray(0, 7), zipped.subarray(7)],
      }),
    ).toMatchObject({ text: TEXT })
  })

  it('may be empty whatever its encoding, and has no byte order mark', async () => {
    expect(await encoded('gzip', Buffer.alloc(0))).toEqual({ status: 200, text: '' })
    expect(await encoded('gzip', gzipSync(''))).toEqual({ status: 200, text: '' })
    expect(await answerTo({ parts: [] })).toEqual({ status: 200, text: '' })
    expect(await encoded('br', brotliCompressSync(`\uFEFF${TEXT}`))).toEqual({ status: 200, text: TEXT })
  })

  it.each([
    ['compress', Buffer.from(TEXT)],
    ['kari@example.com', Buffer.from(TEXT)],
    ['gzip', Buffer.from(TEXT)],
    ['gzip', gzipSync(TEXT).subarray(0, 20)],
    ['br', gzipSync(TEXT)],
    ['deflate', gzipSync(TEXT)],
    ['zstd', gzipSync(TEXT)],
    ['br, gzip', brotliCompressSync(gzipSync(TEXT))],
    ['gzip, gzip, gzip, gzip', gzipSync(gzipSync(gzipSync(gzipSync(TEXT))))],
  ])('is invalid if its encoding %s is unknown, or is not that of its bytes: %#', async (encoding, bytes) => {
    const [read, write] = [await encoded(encoding, bytes), await encoded(encoding, bytes, { isWrite: true })]

    expect(read).toMatchObject({ code: 'target-answer-invalid', unknownEnd: false })
    expect(write).toMatchObject({ code: 'target-answer-invalid', unknownEnd: true })
    expect(JSON.stringify([read, write])).not.toMatch(/K.re|kari/)
  })

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['deflate', deflateSync],
    ['zstd', zstdCompressSync],
    ['gzip, gzip', (bytes: Buffer) => gzipSync(gzipSync(bytes))],
  ])('is held against the limit after it was decoded from %s', async (encoding, encode) => {
    const bytes = encode(Buffer.alloc(10_000, 'x'))

    const [atLimit, above] = [
      await encoded(encoding, bytes, { maxAnswerBytes: 10_000 }),
      await encoded(encoding, bytes, { maxAnswerBytes: 9_999 }),
    ]

    expect(atLimit).toMatchObject({ status: 200 })
    expect(above).toMatchObject({
      code: 'target-answer-invalid',
      message: 'reading a customer from flow: an answer of more than 9999 bytes',
    })
  })

  it.each([401, 429, 500, 503])('of a %i is not needed: the status says enough', async (status) => {
    expect(await encoded('compress', Buffer.from(TEXT), { status })).toEqual({ status, text: '' })
  })

  it.each([200, 204, 403, 404, 409])('of a %i is needed', async (status) => {
    const parts = status === 204 ? [] : [Buffer.from(TEXT)]
    const answer = await answerTo({ status, headers: { 'content-encoding': 'compress' }, parts })

    if (status === 204) expect(answer).toEqual({ status, text: '' })
    else expect(answer).toMatchObject({ code: 'target-answer-invalid' })
  })
})

describe('the letters of an answer', () => {
  const latin1 = Buffer.from('{"navn":"Kåre"}', 'latin1')
  const utf16 = Buffer.from(TEXT, 'utf16le')
  const typed = (contentType: string, bytes: Buffer, status = 200) =>
    answerTo({ status, headers: { 'content-type': contentType }, parts: [bytes] })

  it.each([
    ['application/json; charset=utf-8', Buffer.from(TEXT), TEXT],
    ['text/plain', Buffer.from(TEXT), TEXT],
    ['application/json; charset=ISO-8859-1', latin1, '{"navn":"Kåre"}'],
    ['application/json; charset="windows-1252"; x=y', latin1, '{"navn":"Kåre"}'],
    ['application/json;charset=utf-16le', utf16, TEXT],
  ])('are read by the charset of %s', async (contentType, bytes, text) => {
    expect(await typed(contentType, bytes)).toEqual({ status: 200, text })
  })

  it.each(['application/json', 'application/json; charset=utf-8', 'application/json; charset=x-unknown'])(
    'that are none in %s make the answer invalid, because what is read is written to the other peer',
    async (contentType) => {
      expect(await typed(contentType, latin1)).toMatchObject({ code: 'target-answer-invalid' })
    },
  )

  it('of an HTML response are read as well as can be', async () => {
    const page = Buffer.from('<html>Åpningstider', 'latin1')

    expect(await typed('text/html', page)).toEqual({ status: 200, text: '<html>\uFFFDpningstider' })
    expect(await typed('text/html; charset=x-unknown', page, 404)).toMatchObject({ status: 404 })
  })
})
