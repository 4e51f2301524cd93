import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs'
import type { KeeperReport, KeeperRequest } from './keep.ts'

/** The keeper's own program; keep.ts starts it and says what it promises. */
const [folder, graceMs] = process.argv.slice(2) as [string, string]
const running = new Set<ChildProcess>()
let ending = false

const report = (message: KeeperReport) => {
  if (process.connected) process.send!(message, () => {})
}

const signal = (child: ChildProcess, name: NodeJS.Signals) => {
  try {
    // Each child leads a group of its own, so a launcher script and what it launched end together.
    if (child.pid !== undefined) process.kill(-child.pid, name)
  } catch {
    // gone already
  }
}

const leaveWhenEmpty = () => {
  if (!ending || running.size > 0) return
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  process.exit(0)
}

const end = () => {
  if (ending) return
  ending = true
  for (const child of running) signal(child, 'SIGTERM')
  setTimeout(() => {
    for (const child of running) signal(child, 'SIGKILL')
  }, Number(graceMs))
  leaveWhenEmpty()
}

const launch = ({ command, args, logFile, env }: KeeperRequest) => {
  const output = openSync(logFile, 'a')
  try {
    return spawn(command, args, { detached: true, env, stdio: ['ignore', output, output] })
  } finally {
    closeSync(output)
  }
}

const run = (request: KeeperRequest) => {
  if (ending) return
  const { id } = request
  let child: ChildProcess
  try {
    child = launch(request)
  } catch (error) {
    return report({ event: 'refused', id, message: String(error) })
  }
  running.add(child)
  child.once('spawn', () => report({ event: 'started', id, pid: child.pid! }))
  child.once('error', (error) => {
    running.delete(child)
    report({ event: 'refused', id, message: error.message })
    leaveWhenEmpty()
  })
  child.once('exit', (code, exitSignal) => {
    running.delete(child)
    report({ event: 'exited', id, code, signal: exitSignal })
    leaveWhenEmpty()
  })
}

process.on('disconnect', end)
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, end)
process.on('message', run)
mkdirSync(folder, { recursive: true })
report({ event: 'ready' })
