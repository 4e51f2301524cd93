const MAGIC = Buffer.from([0x82, ...Buffer.from('SNAPPY'), 0])
/** Version and compatible version, both 1. */
const HEADER = Buffer.concat([MAGIC, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])])

/** A raw snappy block as snappy-java's stream of one block, which every Kafka client reads. */
export function framed(block: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(block.length)
  return Buffer.concat([HEADER, length, block])
}

/** The raw blocks of a batch: snappy-java writes a stream of them, librdkafka a bare one. Throws when the stream is cut off. */
export function blocksOf(batch: Buffer): Buffer[] {
  if (!batch.subarray(0, MAGIC.length).equals(MAGIC)) return [batch]
  if (batch.length < HEADER.length) throw new Error('the header is cut off')
  const blocks: Buffer[] = []
  for (let at = HEADER.length; at < batch.length; ) {
    const start = at + 4
    if (start > batch.length) throw new Error('the last block is cut off')
    at = start + batch.readUInt32BE(at)
    if (at > batch.length) throw new Error('the last block is cut off')
    blocks.push(batch.subarray(start, at))
  }
  return blocks
}

/** The size that a raw block says it has when uncompressed, a varint at its start; what it holds can't be another. */
export function uncompressedBytes(block: Buffer): number {
  let bytes = 0
  for (let i = 0; i < 5; i++) {
    const byte = block[i]
    if (byte === undefined) break
    bytes += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return bytes
  }
  throw new Error('a block without a length')
}
