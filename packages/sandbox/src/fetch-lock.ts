import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'

export interface LockHolder {
  readonly pid: number
  readonly host: string
}

/** Longer than any fetch is allowed to take. */
export const LOCK_MAX_AGE_MS = 20 * 60_000
/** A lock file without content was made a moment ago, or its maker died right then. */
const UNREADABLE_MAX_AGE_MS = 10_000

export interface LockState {
  /** Undefined when the lock file can't be read as one. */
  readonly holder: LockHolder | undefined
  readonly ageMs: number
}

/** Whether a lock was left behind by a process that can't be at work any more. */
export const isLockStale = ({ holder, ageMs }: LockState, host: string, isAlive: (pid: number) => boolean): boolean => {
  if (holder === undefined) return ageMs > UNREADABLE_MAX_AGE_MS
  return ageMs > LOCK_MAX_AGE_MS || (holder.host === host && !isAlive(holder.pid))
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

const parseHolder = (text: string): LockHolder | undefined => {
  try {
    const { pid, host } = JSON.parse(text)
    return typeof pid === 'number' && typeof host === 'string' ? { pid, host } : undefined
  } catch {
    return undefined
  }
}

const stateOf = async (path: string): Promise<LockState | undefined> => {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
    return { holder: parseHolder(text), ageMs: Date.now() - mtimeMs }
  } catch {
    return undefined
  }
}

/**
 * Takes the lock if it is free or stale; undefined while another process holds it. Two that find the same stale lock
 * may both get it: what it guards must be right, if wasteful, when done twice.
 */
export const takeLock = async (path: string): Promise<{ release(): Promise<void> } | undefined> => {
  const state = await stateOf(path)
  if (state !== undefined && isLockStale(state, hostname(), isAlive)) await rm(path, { force: true })
  try {
    await writeFile(path, JSON.stringify({ pid: process.pid, host: hostname() }), { flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    throw error
  }
  return { release: () => rm(path, { force: true }) }
}
