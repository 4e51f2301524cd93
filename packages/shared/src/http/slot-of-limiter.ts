import type { Slot } from './slot.ts'

export interface SlotOptions {
  /** The rate-limit tokens that the slot holds. */
  readonly tokens: number
  /** Resolves when a further token was taken. */
  readonly waitForToken: (signal: AbortSignal) => Promise<void>
  /** Throws while the whole target pauses. */
  readonly requireNoPause: () => void
  /** The slot was given back and no request is in flight in it. Called once. */
  readonly onEnd: (unusedTokens: number) => void
}

/** A slot that the rate limiter has granted. */
export function createSlot({ tokens, waitForToken, requireNoPause, onEnd }: SlotOptions): Slot {
  let left = tokens
  let isReleased = false
  let requests = 0
  let last: Promise<void> = Promise.resolve()

  const endIfIdle = () => {
    if (isReleased && requests === 0) onEnd(left)
  }
  return {
    async enter(signal) {
      if (isReleased) throw new Error('sending a request in a slot that was given back')
      requests++
      const before = last
      const over = Promise.withResolvers<void>()
      last = over.promise
      let isOver = false
      const leave = (unused: number) => {
        if (isOver) return
        isOver = true
        requests--
        left += unused
        over.resolve()
        endIfIdle()
      }
      await before
      try {
        signal.throwIfAborted()
        requireNoPause()
        if (left > 0) left--
        else await waitForToken(signal)
      } catch (error) {
        leave(0)
        throw error
      }
      return { end: () => leave(0), giveBack: () => leave(1) }
    },
    release() {
      if (isReleased) return
      isReleased = true
      endIfIdle()
    },
  }
}
