const MAGIC = 0x18_4d_22_04
const FIXED_HEADER_BYTES = 7
const CHECKSUM_BYTES = 4
const HAS = { dictionary: 0x01, contentChecksum: 0x04, contentSize: 0x08, blockChecksums: 0x10 }
/** A compressed byte stands for no more: it is one that lengthens a match. */
const MAX_RATIO = 255

/**
 * The most bytes that an LZ4 frame can hold, by its blocks' sizes; close to what it holds, unless its blocks are small.
 * Throws when the frame is cut off, which lz4-napi takes for its end if it happens between two blocks.
 * https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 */
export function mostBytesOf(frame: Buffer): number {
  if (frame.length < FIXED_HEADER_BYTES || frame.readUInt32LE(0) !== MAGIC) throw new Error('not an LZ4 frame')
  const flags = frame.readUInt8(4)
  const has = (flag: number) => (flags & flag) !== 0
  const maxBlockBytes = 2 ** (8 + 2 * ((frame.readUInt8(5) >> 4) & 7))
  const checksumBytes = has(HAS.blockChecksums) ? CHECKSUM_BYTES : 0
  const endBytes = has(HAS.contentChecksum) ? CHECKSUM_BYTES : 0
  let at = FIXED_HEADER_BYTES + (has(HAS.contentSize) ? 8 : 0) + (has(HAS.dictionary) ? 4 : 0)
  let most = 0
  for (;;) {
    if (at + 4 > frame.length) throw new Error('the frame is cut off')
    const word = frame.readUInt32LE(at)
    at += 4
    if (word === 0) break
    const isStored = word >= 2 ** 31
    const bytes = isStored ? word - 2 ** 31 : word
    most += isStored ? bytes : Math.min(maxBlockBytes, bytes * MAX_RATIO)
    at += bytes + checksumBytes
  }
  if (at + endBytes > frame.length) throw new Error('the frame is cut off')
  return most
}
