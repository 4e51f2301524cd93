import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createLogOutput } from './log-output.ts'
import { createLogger } from './logger.ts'

/** A reader with this much room, in bytes. */
function givenReader(room: number) {
  const reader = {
    text: '',
    room,
    isBroken: false,
    writes: 0,
    writeSome(bytes: Uint8Array) {
      if (reader.isBroken) return null
      const taken = Math.min(reader.room, bytes.length)
      reader.room -= taken
      reader.text += Buffer.from(bytes.subarray(0, taken)).toString()
      if (taken > 0) reader.writes++
      return taken
    },
  }
  return reader
}
const lineOf = (n: number) => `line ${String(n).padStart(4, '0')}\n`
const write = (output: ReturnType<typeof createLogOutput>, from: number, to: number) => {
  for (let n = from; n < to; n++) output.write(lineOf(n))
}
const linesOf = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => lineOf(from + i)).join('')

describe('the output of a logger', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  it('writes lines together, within a tenth of a second', () => {
    const reader = givenReader(1_000_000)
    const output = createLogOutput(reader.writeSome)

    write(output, 0, 100)
    expect(reader.text).toBe('')
    vi.advanceTimersByTime(100)

    expect(reader).toMatchObject({ text: linesOf(0, 100), writes: 1 })
  })

  it('writes at once when much waits, or when told to', () => {
    const reader = givenReader(1_000_000)
    const output = createLogOutput(reader.writeSome)

    write(output, 0, 410)
    expect(reader.text).toBe(linesOf(0, 410))
    output.write(lineOf(410))
    output.flushSync()

    expect(reader.text).toBe(linesOf(0, 411))
  })

  it('goes on in the middle of a line when a full reader has room again', () => {
    const reader = givenReader(55)
    const output = createLogOutput(reader.writeSome)
    write(output, 0, 20)
    output.flushSync()
    expect(reader.text).toBe(linesOf(0, 20).slice(0, 55))

    reader.room = 1_000_000
    vi.advanceTimersByTime(10)

    expect(reader.text).toBe(linesOf(0, 20))
    expect(output.droppedLines()).toBe(0)
  })

  it('drops what is past the bound, and says how many lines are missing before it takes lines again', () => {
    const reader = givenReader(0)
    const output = createLogOutput(reader.writeSome, 400)
    output.onGap((count) => output.write(`${count} missing\n`))

    write(output, 0, 100)
    output.flushSync()
    expect(output.droppedLines()).toBe(70)
    reader.room = 90
    vi.advanceTimersByTime(10)
    // More than half of the bound waits still.
    write(output, 100, 101)
    reader.room = 1_000_000
    vi.advanceTimersByTime(10)
    write(output, 200, 202)
    output.flushSync()

    expect(reader.text).toBe(`${linesOf(0, 30)}71 missing\n${linesOf(200, 202)}`)
    expect(output.droppedLines()).toBe(71)
  })

  it('says how many lines are missing also when no more lines come', () => {
    const reader = givenReader(0)
    const output = createLogOutput(reader.writeSome, 400)
    output.onGap((count) => output.write(`${count} missing\n`))
    write(output, 0, 100)
    output.flushSync()

    reader.room = 1_000_000
    vi.advanceTimersByTime(1_000)

    expect(reader.text).toBe(`${linesOf(0, 30)}70 missing\n`)
  })

  it('keeps room for warnings and errors', () => {
    const reader = givenReader(0)
    const output = createLogOutput(reader.writeSome, 10_000)
    const logger = createLogger({ service: 'test', level: 'debug', destination: output })
    for (let count = 0; count < 1_000; count++) logger.debug({ count }, 'a line')

    logger.warn('a warning')
    logger.error('an error')
    reader.room = 1_000_000
    output.flushSync()

    const messages = reader.text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).msg]))
    expect(messages.slice(-2)).toEqual(['a warning', 'an error'])
    expect(output.droppedLines()).toBe(1_000 - messages.filter((message) => message === 'a line').length)
  })

  it('loses nothing to a write that fails, as on a full disk', () => {
    const reader = givenReader(1_000_000)
    const output = createLogOutput(reader.writeSome)
    reader.isBroken = true
    write(output, 0, 500)
    output.flushSync()

    reader.isBroken = false
    vi.advanceTimersByTime(10)

    expect(reader.text).toBe(linesOf(0, 500))
  })

  it('waits at the end for a slow reader, and no longer than it may for one that has stopped or is gone', () => {
    let now = 0
    let pauses = 0
    const reader = givenReader(0)
    const flush = (output: ReturnType<typeof createLogOutput>, room: number) =>
      output.flushWithin(
        1_000,
        () => now,
        () => {
          now += 5
          pauses++
          reader.room += room
        },
      )

    const slow = createLogOutput(reader.writeSome)
    write(slow, 0, 20)
    flush(slow, 10)
    expect(reader.text).toBe(linesOf(0, 20))

    const stopped = createLogOutput(reader.writeSome)
    write(stopped, 0, 20)
    ;[now, pauses, reader.room] = [0, 0, 0]
    flush(stopped, 0)
    expect(now).toBe(1_000)

    pauses = 0
    reader.isBroken = true
    flush(stopped, 0)
    expect(pauses).toBe(0)
  })
})

describe('a process whose standard output and error', () => {
  const PROGRAM = join(import.meta.dirname, 'testing', 'log-flood.ts')
  /** 1.2 MB, more than the bound and any pipe. */
  const MANY = 12_000
  const FEW = 5_000
  const start = (command: string, args: readonly string[], output: 'pipe' | number) => {
    const child = spawn(command, args, { stdio: ['ignore', output, output] })
    onTestFinished(() => void child.kill('SIGKILL'))
    return child
  }
  const givenFolder = () => {
    const folder = mkdtempSync(join(tmpdir(), 'log-output-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    return folder
  }
  /** Opened for both, so that opening it waits for nobody, and read by nobody. */
  const unreadPipe = (folder: string) => {
    const path = join(folder, 'pipe')
    execFileSync('mkfifo', [path])
    return openSync(path, constants.O_RDWR)
  }
  const resultIn = (folder: string) =>
    JSON.parse(readFileSync(join(folder, 'result'), 'utf8')) as { dropped: number; blockedMs: number }
  const argsOf = (lines: number, folder: string) => [PROGRAM, String(lines), join(folder, 'result')]

  it('are pipes that nobody reads logs on, drops lines, and ends', async () => {
    const folder = givenFolder()
    const child = start(process.execPath, argsOf(MANY, folder), unreadPipe(folder))

    expect(await once(child, 'exit')).toEqual([3, null])
    expect(resultIn(folder).dropped).toBeGreaterThan(0)
  })

  it('are sockets that nobody reads logs on, drops lines, and ends', async () => {
    const folder = givenFolder()
    const child = start(process.execPath, argsOf(MANY, folder), 'pipe')

    expect(await once(child, 'exit')).toEqual([3, null])
    expect(resultIn(folder).dropped).toBeGreaterThan(0)
  })

  it('are a terminal that nobody reads logs on, drops lines, and ends', async () => {
    const folder = givenFolder()
    // It stands between a terminal and a pipe, and stops reading the terminal when the pipe is full.
    const args = ['-qec', `'${process.execPath}' ${argsOf(MANY, folder).join(' ')}`, '/dev/null']
    start('script', args, unreadPipe(folder))

    await expect.poll(() => resultIn(folder).dropped, { timeout: 20_000 }).toBeGreaterThan(0)
  })

  it('are read prints every line, the last one too, before it ends', async () => {
    const folder = givenFolder()
    const child = start(process.execPath, argsOf(FEW, folder), 'pipe')
    child.stderr!.resume()

    const lines = (await text(child.stdout!)).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).count ?? 'last')).toEqual([...Array(FEW).keys(), 'last'])
  })
})
