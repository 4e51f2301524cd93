import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import type { FaultRule } from './fault-rule.ts'
import type { Answer } from './made-answers.ts'

/** An answer on the wire. */
export interface SentAnswer {
  readonly headers: Readonly<Record<string, string>>
  readonly payload: Buffer | Readable
}

const ENCODERS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  // The best quality, which is the default, takes 0.1 s for a page of a list.
  br: (bytes: Buffer) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  deflate: deflateSync,
  'deflate-raw': deflateRawSync,
  zstd: zstdCompressSync,
}

/** The body as `answer-body` sends it. */
export function sentBody(rule: FaultRule, { body }: Answer): SentAnswer {
  const text = rule.empty === true ? '' : `${rule.bom === true ? '\uFEFF' : ''}${body}`
  const codings = rule.encoding?.split(',').map((coding) => coding.trim().toLowerCase()) ?? []
  // Nothing is encoded of an empty body: the header alone is the odd case.
  const encoded = text === '' ? Buffer.alloc(0) : codings.reduce(encode, Buffer.from(text, rule.charset ?? 'utf8'))
  const bytes = rule.corrupt === true ? broken(encoded) : encoded
  const names = codings.map((coding) => (coding === 'deflate-raw' ? 'deflate' : coding))
  return {
    headers: names.length === 0 ? {} : { 'content-encoding': names.join(', ') },
    payload: rule.chunked === true ? Readable.from(inParts(bytes), { objectMode: false }) : bytes,
  }
}

const encode = (bytes: Buffer, coding: string): Buffer => ENCODERS[coding]?.(bytes) ?? bytes

/** The second half is lost, and one byte of the first is another. */
function broken(bytes: Buffer): Buffer {
  const half = Buffer.from(bytes.subarray(0, Math.ceil(bytes.length / 2)))
  if (half.length > 0) half[half.length - 1]! ^= 0xff
  return half
}

function inParts(bytes: Buffer): Buffer[] {
  const size = Math.max(1, Math.ceil(bytes.length / 3))
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, part) =>
    bytes.subarray(part * size, (part + 1) * size),
  )
}

/** The announced length is that of the whole body; after a half of the body the connection ends. */
export function cutAnswer({ reset }: FaultRule, bytes: Buffer, socket: Socket): SentAnswer {
  async function* half() {
    yield bytes.subarray(0, Math.floor(bytes.length / 2))
    if (reset === true) socket.resetAndDestroy()
    else socket.destroySoon()
  }
  return {
    headers: { 'content-length': String(Math.max(bytes.length, 1)) },
    payload: Readable.from(half(), { objectMode: false }),
  }
}
