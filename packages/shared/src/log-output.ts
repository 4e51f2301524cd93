import { constants, openSync, writeSync } from 'node:fs'

/** Takes bytes and never waits. Answers how many bytes it took, 0 while there is no room, null when a write fails. */
export type WriteSome = (bytes: Uint8Array) => number | null

/** Where a logger writes its lines. No call waits for the reader, but for `flushWithin`. */
export interface LogOutput {
  write(line: string): void
  /** Writes as much as the reader has room for. */
  flushSync(): void
  /** Waits, and blocks the process, until all is written, but no longer than `withinMs`. For the exit. */
  flushWithin(withinMs: number, now?: () => number, pause?: () => void): void
  /** How many lines were dropped since the start. */
  droppedLines(): number
  /** `tell` gets the number of lines that are missing before the line that is written next. */
  onGap(tell: (count: number) => void): void
}

/** The most that waits for the reader, in characters. */
const MAX_WAITING = 1_048_576
/** A write for each line costs as much as the record that the line is about. */
const FLUSH_AT = 4_096
const FLUSH_MS = 100
/** A pipe holds 64 KiB: a reader that keeps up gets 6 MB/s. */
const RETRY_MS = 10
const PAUSE_MS = 5
/** pino's number for the level warn. */
const WARN = 40
const NOTHING = Buffer.alloc(0)

/**
 * Gathers lines to a few large writes: a line is written within a tenth of a second, and `flushSync` at once. While the
 * reader has stopped, lines wait up to a bound; further lines are dropped and counted. The last quarter is for warnings
 * and errors. After lines were dropped, no more lines are taken until half of the bound is free.
 */
export function createLogOutput(writeSome: WriteSome, maxWaiting = MAX_WAITING): LogOutput {
  let lines: string[] = []
  let waiting = 0
  let leaving: Uint8Array = NOTHING
  let isFull = false
  let dropped = 0
  let gap = 0
  let tellGap = (_count: number) => {}
  let timer: NodeJS.Timeout | undefined

  const takeLines = () => {
    leaving = Buffer.from(lines.join(''))
    lines = []
    waiting = 0
  }
  /** Answers as `writeSome` for all that waits: null when a write failed, 0 when the reader is full. */
  const flush = (): number | null => {
    clearTimeout(timer)
    timer = undefined
    for (;;) {
      if (leaving.length === 0) takeLines()
      if (leaving.length === 0) {
        isFull = false
        tellOfGap()
        return 1
      }
      const taken = writeSome(leaving)
      if (taken === null || taken === 0) {
        isFull = true
        schedule()
        return taken
      }
      leaving = leaving.subarray(taken)
    }
  }
  const schedule = () => {
    if (timer === undefined) timer = setTimeout(flush, isFull ? RETRY_MS : FLUSH_MS).unref()
  }
  const tellOfGap = () => {
    if (gap === 0) return
    const count = gap
    gap = 0
    tellGap(count)
  }
  const limitOf = (level: number) => {
    if (level >= WARN) return maxWaiting
    return gap > 0 ? maxWaiting / 2 : (maxWaiting * 3) / 4
  }

  const output = {
    // pino sets `lastLevel` before each line.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 0,
    write(line: string) {
      const used = waiting + leaving.length
      if (used + line.length > limitOf(output.lastLevel)) {
        dropped++
        gap++
        return
      }
      if (used <= maxWaiting / 2) tellOfGap()
      lines.push(line)
      waiting += line.length
      if (waiting >= FLUSH_AT && !isFull) flush()
      else schedule()
    },
    flushSync: () => void flush(),
    flushWithin(withinMs: number, now = () => performance.now(), pause = pauseBriefly) {
      const until = now() + withinMs
      while (flush() === 0 && now() < until) pause()
    },
    droppedLines: () => dropped,
    onGap(tell: (count: number) => void) {
      tellGap = tell
    },
  }
  return output
}

/**
 * Writes to our standard output or standard error without waiting. A pipe whose reader has stopped would else block the
 * whole process. `process.stdout` and `process.stderr` open a pipe or a socket as non-blocking when they are first used,
 * which also holds for whatever else in the process writes to it. The setting of a terminal is the shell's too, so a
 * terminal is opened once more.
 */
export function writeSomeTo(fd: 1 | 2): WriteSome {
  const { isTTY } = fd === 1 ? process.stdout : process.stderr
  const opened = isTTY ? openTerminal(fd) : fd
  return (bytes) => {
    try {
      return writeSync(opened, bytes)
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? 0 : null
    }
  }
}

function openTerminal(fd: number): number {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    return fd
  }
}

const pauseBriefly = () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
