import type { Schedule } from '../http/schedule.ts'

/** A clock that stands until it is moved, and timers that run by it. */
export interface ManualTime {
  readonly now: () => number
  readonly schedule: Schedule
  /** Moves the clock on, running each timer at its time, and lets what they started go on. */
  advance(ms: number): Promise<void>
  /** When the next timer is due; null when there is none. */
  nextAt(): number | null
}

export function createManualTime(startMs = Date.parse('2026-01-01T00:00:00Z')): ManualTime {
  let at = startMs
  const timers = new Set<{ readonly dueAt: number; readonly run: () => void }>()
  const first = () => [...timers].sort((a, b) => a.dueAt - b.dueAt)[0]

  return {
    now: () => at,
    schedule(run, delayMs) {
      const timer = { dueAt: at + delayMs, run }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    nextAt: () => first()?.dueAt ?? null,
    async advance(ms) {
      const end = at + ms
      await settle()
      for (let timer = first(); timer !== undefined && timer.dueAt <= end; timer = first()) {
        timers.delete(timer)
        at = Math.max(at, timer.dueAt)
        timer.run()
        await settle()
      }
      at = end
    },
  }
}

/** Lets everything go on that waits for promises alone. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
