/** Divides long work into pieces, so that the event loop handles timers, heartbeats and I/O between two pieces. */
export interface EventLoopTurns {
  /** null while the work may go on. Else the work must wait for the promise, and may look for an abort afterwards. */
  next(): Promise<void> | null
}

/** A heartbeat, a timer or an answer waits no longer than some of these. */
const PIECE_MS = 10

/** All works that share an instance take turns. Each turn of the event loop has a piece of one work. */
export function createEventLoopTurns(now: () => number = () => performance.now()): EventLoopTurns {
  const waiting: (() => void)[] = []
  let startedAt = now()

  const turn = () => {
    startedAt = now()
    waiting.shift()?.()
    if (waiting.length > 0) setImmediate(turn)
  }

  return {
    next() {
      if (waiting.length === 0 && now() - startedAt < PIECE_MS) return null
      return new Promise((resolve) => {
        waiting.push(resolve)
        if (waiting.length === 1) setImmediate(turn)
      })
    },
  }
}
