import { brotliDecompress, gunzip, inflate, inflateRaw, zstdDecompress } from 'node:zlib'
import type { HttpAnswer } from './request.ts'

/** An answer whose body is bytes. */
export interface RawAnswer extends Omit<HttpAnswer, 'text'> {
  readonly bytes: Buffer
}
/** `problem` is in our words, without a part of the answer. */
export type DecodedBody = { readonly text: string } | { readonly problem: string }

type Decoder = (
  bytes: Buffer,
  options: { readonly maxOutputLength: number },
  done: (error: Error | null, decoded: Buffer) => void,
) => void

const DECODERS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['gzip', gunzip],
  ['x-gzip', gunzip],
  // Some servers leave out the frame that RFC 9110 demands.
  ['deflate', (bytes, options, done) => (hasZlibFrame(bytes) ? inflate : inflateRaw)(bytes, options, done)],
  ['br', brotliDecompress],
  ['zstd', (bytes, options, done) => zstdDecompress(bytes, options, done)],
])

const hasZlibFrame = ([first = 0, second = 0]: Buffer): boolean =>
  (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0

/** Each one costs up to `maxBytes` of memory, and real answers have one. */
const MAX_CODINGS = 3

/**
 * The text of an answer: its content codings undone, in its charset, without a byte order mark. We ask for no coding, but
 * gateways and proxies encode all the same. `maxBytes` bounds the body after each coding.
 */
export function decodeBody(answer: RawAnswer, maxBytes: number): DecodedBody | Promise<DecodedBody> {
  const codings = codingsOf(answer)
  // A body that is empty may be named encoded: that of a 204, for one.
  if (codings.length === 0 || answer.bytes.length === 0) return decodeText(answer)
  return decodeCodings(answer, codings, maxBytes).then((bytes) =>
    Buffer.isBuffer(bytes) ? decodeText({ ...answer, bytes }) : bytes,
  )
}

function codingsOf({ headers }: RawAnswer): string[] {
  const codings = [headers['content-encoding'] ?? []].flat().join(',').split(',')
  return codings.map((coding) => coding.trim().toLowerCase()).filter((coding) => coding !== '' && coding !== 'identity')
}

async function decodeCodings({ bytes }: RawAnswer, codings: readonly string[], maxBytes: number) {
  if (codings.length > MAX_CODINGS) return { problem: `more than ${MAX_CODINGS} content encodings` }
  let decoded = bytes
  for (const coding of codings.toReversed()) {
    const decode = DECODERS.get(coding)
    if (decode === undefined) return { problem: 'an unknown content encoding' }
    try {
      decoded = await undone(decode, decoded, maxBytes)
    } catch (error) {
      const isTooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
      return { problem: isTooLarge ? tooLarge(maxBytes) : 'a body that is not in its content encoding' }
    }
  }
  return decoded
}

const undone = (decode: Decoder, bytes: Buffer, maxOutputLength: number) =>
  new Promise<Buffer>((resolve, reject) =>
    decode(bytes, { maxOutputLength }, (error, decoded) => (error === null ? resolve(decoded) : reject(error))),
  )

export const tooLarge = (maxBytes: number): string => `an answer of more than ${maxBytes} bytes`

/**
 * What a 2xx says is written to the other peer, so that no letter of it may be a guess. Of a page, and of other statuses,
 * nothing is.
 */
function decodeText({ status, headers, bytes }: RawAnswer): DecodedBody {
  const type = [headers['content-type'] ?? []].flat().join(',').toLowerCase()
  const mayGuess = status < 200 || status > 299 || type.includes('html')
  const charset = /;\s*charset\s*=\s*"?([^\s";,]+)/.exec(type)?.[1] ?? 'utf-8'
  try {
    return { text: new TextDecoder(charset, { fatal: !mayGuess }).decode(bytes) }
  } catch {
    return mayGuess ? { text: new TextDecoder().decode(bytes) } : { problem: 'a body that is not in its charset' }
  }
}
