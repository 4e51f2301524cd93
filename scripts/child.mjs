import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'

/** One press of Ctrl-C can reach this process twice, from the terminal and from npm; the child shall see it once. */
const SAME_PRESS_MS = 300
const ORPHAN_CHECK_MS = 1_000
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']
const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }

/** As a shell reports it. */
export const exitCodeOf = (code, signal) => code ?? 128 + (SIGNAL_NUMBERS[signal] ?? 0)

const signalGroup = (pid, signal) => {
  try {
    process.kill(-pid, signal)
  } catch {
    // gone already
  }
}

let isInterrupted = false

/** Whether a signal has told this process to come to its end: no further child should be started. */
export const wasInterrupted = () => isInterrupted

/** npm, when it is killed, leaves its script behind. Who was not started by npm may have wished to be left alone. */
const onceOrphaned = (then) => {
  if (process.env.npm_lifecycle_event === undefined) return undefined
  const parent = process.ppid
  const check = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(check)
    then()
  }, ORPHAN_CHECK_MS)
  return check
}

/**
 * Runs a command of the project with the pinned Node first on its path, and resolves to its exit code. It leads a group
 * of its own, out of the terminal's reach: signals come to it through here, and what it leaves behind is ended.
 */
export const run = (root, command, args, { cwd = root, env = {} } = {}) =>
  new Promise((resolve, reject) => {
    const bin = join(root, 'node_modules', '.bin')
    const child = spawn(command, args, {
      cwd,
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`, ...env },
    })
    let lastSignalAt = Number.NEGATIVE_INFINITY
    const forward = (signal) => {
      isInterrupted = true
      const now = performance.now()
      if (now - lastSignalAt > SAME_PRESS_MS) signalGroup(child.pid, signal)
      lastSignalAt = now
    }
    for (const signal of SIGNALS) process.on(signal, forward)
    const orphaned = onceOrphaned(() => forward('SIGTERM'))
    const over = () => {
      clearInterval(orphaned)
      for (const signal of SIGNALS) process.off(signal, forward)
    }
    child.once('error', (error) => {
      over()
      reject(new Error(`running ${command}: ${error.message}`))
    })
    child.once('exit', (code, signal) => {
      over()
      signalGroup(child.pid, 'SIGKILL')
      resolve(exitCodeOf(code, signal))
    })
  })
