import { vi } from 'vitest'

const realImmediate = globalThis.setImmediate
const settled = () => new Promise((resolve) => realImmediate(resolve))
const FAKED = [
  ...(['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate'] as const),
  'Date' as const,
]

/** A clock that runs from timer to timer, each with all that it leads to: minutes take milliseconds. */
export interface SimulatedTime {
  readonly now: () => number
  /** A number from 0 to 1, exclusive: the same ones in the same order for the same seed. */
  readonly random: () => number
  sleep(ms: number): Promise<void>
  /** Counts the timers that were run: what happens in one turn follows from one of them at once. */
  readonly turn: number
  pass(ms: number): Promise<void>
  end(): void
}

export function simulateTime(seed: number): SimulatedTime {
  vi.useFakeTimers({ toFake: FAKED, now: Date.UTC(2026, 0) })
  let state = (seed % 2_147_483_646) + 1
  let turn = 0
  return {
    now: Date.now,
    random() {
      state = (state * 48_271) % 2_147_483_647
      return (state - 1) / 2_147_483_646
    },
    get turn() {
      return turn
    },
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    async pass(ms) {
      let isOver = false
      setTimeout(() => {
        isOver = true
      }, ms)
      for (await settled(); !isOver; await settled()) {
        turn++
        vi.advanceTimersToNextTimer()
      }
    },
    end() {
      vi.clearAllTimers()
      vi.useRealTimers()
    },
  }
}
