import { randomBytes } from 'node:crypto'
import kafkajs from 'kafkajs'
import lz4 from 'lz4-napi'
import snappy from 'snappy'
import { beforeAll, describe, expect, it } from 'vitest'
import { SyncError } from '../errors.ts'
import { MAX_BATCH_BYTES, registerCodecs } from './codecs.ts'

/** `Kafka's own client wrote this. ` ten times, as the codecs of Kafka 4.3.1's Java client write it. */
const FROM_JAVA = {
  GZIP: 'H4sIAAAAAAAA//NOTMtOVC9WyC/PU0jOyUzNK1EoL8ovSVUoycgs1lPwHpXGJg0AwMwOODYBAAA=',
  Snappy: 'glNOQVBQWQAAAAABAAAAAQAAADG2AnhLYWZrYSdzIG93biBjbGllbnQgd3JvdGUgdGhpcy4g/h8A/h8A/h8A/h8AWh8A',
  LZ4: 'BCJNGGBAgisAAAD/EEthZmthJ3Mgb3duIGNsaWVudCB3cm90ZSB0aGlzLiAfAP8AUGhpcy4gAAAAAA==',
  ZSTD: 'KLUv/QBYPAEA+EthZmthJ3Mgb3duIGNsaWVudCB3cm90ZSB0aGlzLiABAFMIVTkBAQAA',
}
type Name = keyof typeof FROM_JAVA
const NAMES = Object.keys(FROM_JAVA) as Name[]

beforeAll(registerCodecs)
const codecOf = (name: Name) => kafkajs.CompressionCodecs[kafkajs.CompressionTypes[name]]()
const compress = (name: Name, buffer: Buffer): Promise<Buffer> => codecOf(name).compress({ buffer })
const decompress = (name: Name, batch: Buffer): Promise<Buffer> => codecOf(name).decompress(batch)

const text = 'a record of a customer, and the next one of another; '
const large = Buffer.concat([Buffer.alloc(3_000_000, text), randomBytes(3_000_000), Buffer.alloc(1_000_000)])

describe.each(NAMES)('a %s batch', (name) => {
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.from('x')],
    ['text', Buffer.from(text)],
    ['noise', randomBytes(100_000)],
    ['several blocks', large],
  ])('of %s is read as it was written', async (_what, records) => {
    const read = await decompress(name, await compress(name, records))

    expect(read.equals(records)).toBe(true)
  })

  it("is read as Kafka's own client writes it", async () => {
    const read = await decompress(name, Buffer.from(FROM_JAVA[name], 'base64'))

    expect(read.toString()).toBe("Kafka's own client wrote this. ".repeat(10))
  })

  it('is smaller than its records', async () => {
    expect((await compress(name, Buffer.alloc(1_000_000, text))).length).toBeLessThan(100_000)
  })

  it('that is cut off anywhere is refused', async () => {
    const batch = await compress(name, Buffer.concat([Buffer.alloc(200, text), randomBytes(200)]))

    const cuts = Array.from(batch, (_byte, length) => batch.subarray(0, length))
    // A stream of snappy blocks that ends with its header is one without blocks.
    const cutOff = name === 'Snappy' ? cuts.filter(({ length }) => length !== 16) : cuts
    const ends = await Promise.allSettled(cutOff.map((part) => decompress(name, part)))

    expect(ends.filter(({ status }) => status === 'fulfilled')).toEqual([])
  })

  it.each([
    ['nothing at all', Buffer.alloc(0)],
    ['something else', Buffer.from('this was never compressed by anything')],
    ['ones', Buffer.alloc(1_000, 0xff)],
  ])('that is %s is refused', async (_what, batch) => {
    await expect(decompress(name, batch)).rejects.toThrow(SyncError)
  })

  it('whose bytes were changed is refused or read as something else, and the process lives', async () => {
    const batch = await compress(name, Buffer.alloc(2_000, text))

    const damaged = Array.from(batch, (byte, at) => Buffer.from(batch).fill(byte ^ 0xff, at, at + 1))
    const ends = await Promise.allSettled(damaged.map((one) => decompress(name, one)))

    expect(ends.some(({ status }) => status === 'rejected')).toBe(true)
  })

  it('is read up to the bound and refused beyond it, as an error that kafkajs tries again', async () => {
    const most = await compress(name, Buffer.alloc(MAX_BATCH_BYTES))
    const more = await compress(name, Buffer.alloc(MAX_BATCH_BYTES + 1))

    expect((await decompress(name, most)).length).toBe(MAX_BATCH_BYTES)
    const refused = decompress(name, more)
    await expect(refused).rejects.toThrow(/^decompressing a \w+ batch: .*67108864/)
    await expect(refused).rejects.toMatchObject({ name: 'SyncError', code: 'kafka-unavailable' })
  })
})

describe('a snappy batch', () => {
  const header = Buffer.from('\x82SNAPPY\0\0\0\0\x01\0\0\0\x01', 'latin1')
  const block = async (records: Buffer) => {
    const bytes = await snappy.compress(records)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return Buffer.concat([length, bytes])
  }

  it('of one bare block, as librdkafka writes it, is read', async () => {
    expect((await decompress('Snappy', await snappy.compress(large))).equals(large)).toBe(true)
  })

  it('of a stream of many blocks, as snappy-java writes it, is read in their order', async () => {
    const parts = Array.from({ length: 214 }, (_, i) => large.subarray(i * 32_768, (i + 1) * 32_768))

    const read = await decompress('Snappy', Buffer.concat([header, ...(await Promise.all(parts.map(block)))]))

    expect(read.equals(large)).toBe(true)
  })

  it('is written as such a stream', async () => {
    const written = await compress('Snappy', Buffer.from(text))

    expect(written.equals(Buffer.concat([header, await block(Buffer.from(text))]))).toBe(true)
  })

  it('whose blocks together pass the bound is refused before any of them is read', async () => {
    const half = await block(Buffer.alloc(MAX_BATCH_BYTES / 2 + 1))

    await expect(decompress('Snappy', Buffer.concat([header, half, half]))).rejects.toThrow('67108866 bytes')
  })

  it('that only says it were gigabytes is refused', async () => {
    const claim = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0])

    await expect(decompress('Snappy', claim)).rejects.toThrow('4294967295 bytes')
  })
})

describe('an LZ4 batch', () => {
  it.each([
    ['contents', { contentChecksum: true }],
    ['blocks', { blockChecksums: true }],
    ['both', { contentChecksum: true, blockChecksums: true }],
  ])('with checksums of its %s is read, and refused when its last byte is missing', async (_what, options) => {
    const batch = await lz4.compressFrame(large, options)

    expect((await decompress('LZ4', batch)).equals(large)).toBe(true)
    await expect(decompress('LZ4', batch.subarray(0, -1))).rejects.toThrow('the frame is cut off')
  })
})

it('the codecs stay the same, however often they are registered', () => {
  const before = NAMES.map(codecOf)

  registerCodecs()

  expect(NAMES.map(codecOf)).toEqual(before)
})
