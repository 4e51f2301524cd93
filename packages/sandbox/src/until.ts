import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { KeptProcess } from './keep.ts'

const POLL_MS = 100
const TAIL_LINES = 30

/** The last lines of a log, for an error's text; empty when there is no log. */
export const tailOf = async (logFile: string): Promise<string> => {
  const text = await readFile(logFile, 'utf8').catch(() => '')
  return text.trimEnd().split('\n').slice(-TAIL_LINES).join('\n')
}

export interface Awaited {
  /** A gerund phrase for the error: `starting kafka`. */
  readonly what: string
  readonly process: KeptProcess
  readonly logFile: string
  readonly deadlineMs: number
  readonly answers: () => Promise<boolean>
}

/** Resolves once the process answers; rejects, with the end of its log, when it exits or the deadline passes. */
export const untilAnswers = async ({ what, process, logFile, deadlineMs, answers }: Awaited): Promise<void> => {
  let exit: string | undefined
  void process.exited.then(({ code, signal }) => {
    exit = `it exited with ${signal ?? `code ${code}`}`
  })
  const deadline = AbortSignal.timeout(deadlineMs)
  while (exit === undefined && !deadline.aborted) {
    if (await answers()) return
    await delay(POLL_MS)
  }
  throw new Error(`${what}: ${exit ?? `no answer within ${deadlineMs} ms`}\n${await tailOf(logFile)}`)
}
