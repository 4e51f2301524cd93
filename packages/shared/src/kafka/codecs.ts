import { promisify } from 'node:util'
import zlib from 'node:zlib'
import kafkajs from 'kafkajs'
import { SyncError } from '../errors.ts'
import { mostBytesOf } from './lz4-frame.ts'
import { blocksOf, framed, uncompressedBytes } from './snappy-framing.ts'

/** What kafkajs calls for a batch of records; `encoder` is its own writer. */
interface BatchCodec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>
  decompress(batch: Buffer): Promise<Buffer>
}

/** The most that a batch may hold: thirty times what a topic of ours takes for one, compressed. */
export const MAX_BATCH_BYTES = 64 * 1_048_576

const MAX_CHUNK_BYTES = 262_144
const USUAL_RATIO = 4
const gzip = promisify(zlib.gzip)
const unzip = promisify(zlib.unzip)
const zstdCompress = promisify(zlib.zstdCompress)
const zstdDecompress = promisify(zlib.zstdDecompress)
/** Loaded by the first batch that needs them: most topics have none, and their native code takes memory. */
const snappy = () => import('snappy')
const lz4 = () => import('lz4-napi')

/**
 * Makes every client of this process read and write batches of all of Kafka's compressions: kafkajs has gzip only, without
 * a bound, and a batch of another one ends its consumer. The second call changes nothing.
 *
 * A batch that no codec can read, or of more than MAX_BATCH_BYTES, is an error: nothing comes out of the broker's answer that
 * it is in. kafkajs asks again a few times, then the consumer leaves its group and starts again, with a warning, for as long
 * as the batch is there. So the process lives and no record is skipped, but the group stands still, also on the partitions
 * that are read from the same broker, until the batch is deleted or the group's offset is set behind it.
 */
export function registerCodecs(): void {
  // Off the default import, since Node can't see it among the names that this CommonJS package exports.
  Object.assign(kafkajs.CompressionCodecs, codecs)
}

const { GZIP, Snappy, LZ4, ZSTD } = kafkajs.CompressionTypes
const codecs = {
  [GZIP]: codec('gzip', gzip, (batch) => unzip(batch, outputOf(batch))),
  [Snappy]: codec('snappy', async (records) => framed(await (await snappy()).compress(records)), decompressSnappy),
  [LZ4]: codec('lz4', async (records) => (await lz4()).compressFrame(records), decompressLz4),
  [ZSTD]: codec('zstd', zstdCompress, (batch) => zstdDecompress(batch, outputOf(batch))),
}

function codec(
  name: string,
  compress: (records: Buffer) => Promise<Buffer>,
  decompress: (batch: Buffer) => Promise<Buffer>,
): () => BatchCodec {
  const both: BatchCodec = {
    compress: ({ buffer }) => compress(buffer),
    async decompress(batch) {
      try {
        return await decompress(batch)
      } catch (cause) {
        // As it comes from zlib it may be a RangeError, which kafkajs takes for a bug that ends the consumer.
        throw new SyncError('kafka-unavailable', `decompressing a ${name} batch: ${(cause as Error).message}`, {
          cause,
        })
      }
    },
  }
  return () => both
}

/** In large pieces, since each costs a turn of the event loop; but a record keeps the whole piece in memory that it is in. */
const outputOf = (batch: Buffer) => ({
  maxOutputLength: MAX_BATCH_BYTES,
  chunkSize: Math.min(Math.max(1_024, batch.length * USUAL_RATIO), MAX_CHUNK_BYTES),
})

/** Both say beforehand what they will hold, and their libraries take no bound. */
async function decompressSnappy(batch: Buffer): Promise<Buffer> {
  const blocks = blocksOf(batch)
  refuseMoreThanBound(blocks.reduce((bytes, block) => bytes + uncompressedBytes(block), 0))
  const { uncompress } = await snappy()
  return Buffer.concat(await Promise.all(blocks.map((block) => uncompress(block) as Promise<Buffer>)))
}

async function decompressLz4(batch: Buffer): Promise<Buffer> {
  refuseMoreThanBound(mostBytesOf(batch))
  return (await lz4()).decompressFrame(batch)
}

function refuseMoreThanBound(bytes: number): void {
  if (bytes > MAX_BATCH_BYTES) throw new Error(`${bytes} bytes are more than the bound of ${MAX_BATCH_BYTES}`)
}
