#!/usr/bin/env node
import { createInterface } from 'node:readline/promises'
import { EXIT } from './exit.ts'
import { run } from './run.ts'

// `syncctl … | head` closes the pipe early: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

const stopping = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // The second time, whatever is under way is left as it is.
    if (stopping.signal.aborted) process.exit(EXIT.interrupted)
    stopping.abort(new Error('interrupted'))
  })
}

const ask = async (question: string) => {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await lines.question(question, { signal: stopping.signal })).trim())
  } catch (error) {
    // The end of the input is no answer; Ctrl-C reaches the prompt and not the process.
    if (/Ctrl\+D/.test((error as Error).message)) return false
    stopping.abort(new Error('interrupted'))
    throw error
  } finally {
    lines.close()
  }
}

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  isTTY: process.stdout.isTTY === true,
  bar: process.stderr.isTTY ? process.stderr : undefined,
  ask: process.stdin.isTTY && process.stderr.isTTY ? ask : undefined,
  signal: stopping.signal,
})
// A connection that does not close in time must not keep a command that is done.
setTimeout(() => process.exit(), 3_000).unref()
