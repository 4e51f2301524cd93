import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'

const POLL_MS = 100
const CHUNK_BYTES = 64 * 1024

/**
 * Tells every line of a file, from its beginning and as it grows; the file may come later. Stopping tells what is there
 * by then, a last line without its end too.
 */
export function followLines(file: string, tell: (line: string) => void): { stop(): void } {
  let isOver = false
  const decoder = new StringDecoder('utf8')
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  let descriptor: number | undefined
  let begun = ''

  const read = () => {
    if (descriptor === undefined && existsSync(file)) descriptor = openSync(file, 'r')
    if (descriptor === undefined) return
    for (let bytes = readSync(descriptor, chunk); bytes > 0; bytes = readSync(descriptor, chunk)) {
      const lines = (begun + decoder.write(chunk.subarray(0, bytes))).split('\n')
      begun = lines.pop()!
      for (const line of lines) tell(line)
    }
  }
  const poll = setInterval(read, POLL_MS)

  return {
    stop() {
      if (isOver) return
      isOver = true
      clearInterval(poll)
      read()
      if (begun !== '') tell(begun)
      if (descriptor !== undefined) closeSync(descriptor)
    },
  }
}
