import { createReadStream } from 'node:fs'
import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseExactJson } from '@sync/shared/exact-json'
import { rawOf } from '@sync/shared/http/reading'
import { partitionOf } from '@sync/shared/kafka/partition-of'

/**
 * Records on disk by a hash of their id, in a folder that only this user can read: of everything only one bucket needs to
 * be in memory at a time (a hash join). It is an external partition and not a sort, because neither peer lists by id.
 */
export interface Spill {
  readonly buckets: number
  add(stream: string, id: string, value: unknown): Promise<void>
  /** One bucket of a stream, in the order of writing. */
  read<V>(stream: string, bucket: number): AsyncIterable<V>
  /** Deletes all of it. */
  remove(): Promise<void>
}

const BUFFER_BYTES = 4 * 1024 * 1024

/** Customers are written as the peer answered them, so that the reader tells the same of them again. */
const asAnswered = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null ? rawOf(value) : value

export async function openSpill(buckets: number): Promise<Spill> {
  const folder = await mkdtemp(join(tmpdir(), 'syncctl-'))
  const waiting = new Map<string, string[]>()
  const written = new Set<string>()
  let bytes = 0
  let writing: Promise<void> = Promise.resolve()
  /** One after the other: two that write to a file at once would mix their lines. */
  const flush = () => {
    const files = [...waiting]
    waiting.clear()
    bytes = 0
    writing = writing.then(async () => {
      for (const [file, lines] of files) {
        written.add(file)
        await appendFile(join(folder, file), lines.join(''), { mode: 0o600 })
      }
    })
    return writing
  }
  return {
    buckets,
    async add(stream, id, value) {
      const file = `${stream}-${partitionOf(id, buckets)}`
      // Reading by lines ends one at these too, and JSON does not escape them.
      const line = `${JSON.stringify(value, asAnswered).replace(/[\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`)}\n`
      const lines = waiting.get(file)
      if (lines === undefined) waiting.set(file, [line])
      else lines.push(line)
      bytes += line.length
      if (bytes >= BUFFER_BYTES) await flush()
    },
    async *read<V>(stream: string, bucket: number) {
      await flush()
      const file = `${stream}-${bucket}`
      if (!written.has(file)) return
      const input = createReadStream(join(folder, file))
      for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
        yield parseExactJson(line) as V
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
