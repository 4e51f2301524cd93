import type { HeaderValue, RawHeaders } from './ports.ts'

/** Key, value and headers of a record as Kafka holds them. */
export interface RawRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: RawHeaders
}

/**
 * A record's bytes as text of one byte a character. A Buffer costs some two hundred bytes besides its own and keeps alive
 * all of the fetched response that it is a part of; of this a record that waits keeps exactly what it needs.
 */
export interface Packed {
  readonly key: string | null
  readonly value: string | null
  /** Name, value, name, value, …; a repeated header is there several times. */
  readonly headers: readonly (string | null)[]
  /** What it takes in memory, roughly. */
  readonly bytes: number
}

/** The objects around the bytes of a pending record, measured. */
const RECORD_OVERHEAD = 600
const HEADER_OVERHEAD = 48
const NO_HEADERS: Packed['headers'] = []

export function pack({ key, value, headers }: RawRecord): Packed {
  let bytes = RECORD_OVERHEAD + (key?.length ?? 0) + (value?.length ?? 0)
  let packed: (string | null)[] | null = null
  for (const name in headers) {
    const each = headers[name]
    if (each === undefined) continue
    packed ??= []
    for (const one of Array.isArray(each) ? each : [each]) {
      packed.push(name, textOf(one))
      bytes += HEADER_OVERHEAD + name.length + (one?.length ?? 0)
    }
  }
  return { key: textOf(key), value: textOf(value), headers: packed ?? NO_HEADERS, bytes }
}

export function unpack({ key, value, headers }: Packed): RawRecord {
  const unpacked = new Map<string, HeaderValue | HeaderValue[]>()
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    const one = bytesOf(headers[i + 1]!)
    const known = unpacked.get(name)
    if (known === undefined) unpacked.set(name, one)
    else if (Array.isArray(known)) known.push(one)
    else unpacked.set(name, [known, one])
  }
  return { key: bytesOf(key), value: bytesOf(value), headers: Object.fromEntries(unpacked) }
}

export const bytesOf = (text: string | null): Buffer | null => (text === null ? null : Buffer.from(text, 'latin1'))

const textOf = (value: HeaderValue): string | null =>
  value === null ? null : (typeof value === 'string' ? Buffer.from(value) : value).toString('latin1')
