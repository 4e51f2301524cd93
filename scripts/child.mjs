import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'

/** One press of Ctrl-C can reach this process twice, from the terminal and from npm; the child shall see it once. */
const SAME_PRESS_MS = 300
const ORPHAN_CHECK_MS = 1_000
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']
const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }

/** As a shell reports it. */
export const exitCodeOf = (code, signal) => code ?? 128 + (SIGNAL_NUMBERS[signal] ?? 0)

const signal = (pid, name) => {
  try {
    process.kill(pid, name)
  } catch {
    // gone already
  }
}

/** Passes each signal on, but of two of a kind within one press only the first. */
export const oncePerPress = (send, now = () => performance.now()) => {
  const lastAt = new Map()
  return (signal) => {
    const at = now()
    const isCopy = at - (lastAt.get(signal) ?? Number.NEGATIVE_INFINITY) <= SAME_PRESS_MS
    lastAt.set(signal, at)
    if (!isCopy) send(signal)
  }
}

let isInterrupted = false

/** Whether a signal has told this process to come to its end: no further child should be started. */
export const wasInterrupted = () => isInterrupted

/** npm, when it is killed, leaves its script behind. Who was not started by npm may have wished to be left alone. */
const onceOrphaned = (then) => {
  const { npm_lifecycle_event: script } = process.env
  if (script === undefined) return undefined
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
 * of its own, out of the terminal's reach: signals come through here, to it alone, so that it ends its own programs in
 * order and none of them is told twice; `toGroup` is for one that leaves that to the terminal. What it leaves behind is
 * ended.
 */
export const run = (root, command, args, { cwd = root, env = {}, toGroup = false } = {}) =>
  new Promise((resolve, reject) => {
    const bin = join(root, 'node_modules', '.bin')
    const child = spawn(command, args, {
      cwd,
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`, ...env },
    })
    const forward = oncePerPress((name) => {
      isInterrupted = true
      signal(toGroup ? -child.pid : child.pid, name)
    })
    for (const name of SIGNALS) process.on(name, forward)
    const orphaned = onceOrphaned(() => forward('SIGTERM'))
    const over = () => {
      clearInterval(orphaned)
      for (const name of SIGNALS) process.off(name, forward)
    }
    child.once('error', (error) => {
      over()
      reject(new Error(`running ${command}: ${error.message}`))
    })
    child.once('exit', (code, exitSignal) => {
      over()
      signal(-child.pid, 'SIGKILL')
      resolve(exitCodeOf(code, exitSignal))
    })
  })
