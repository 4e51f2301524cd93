import type { HttpAnswer, TargetRequest } from '../http/request.ts'
import type { Schedule } from '../http/schedule.ts'

export interface SimulatedEnd {
  /** The time of the answer, in ms, or Infinity if no answer comes. */
  readonly tookMs: number
  /** The failure of the exchange, or null if the answer has status 200. */
  readonly error: Error | null
}

/** Makes one exchange like http/base.ts, with the deadline of the request, its `giveUp` and its `onUnanswered`. */
export function simulateExchange(
  { deadlineMs: limitMs, giveUp, onUnanswered }: TargetRequest,
  { tookMs, error }: SimulatedEnd,
  { schedule, deadlineMs, noAnswer }: { schedule: Schedule; deadlineMs: number; noAnswer: () => Error },
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const settle = () => (error === null ? resolve({ status: 200, headers: {}, text: '' }) : reject(error))
    const waitMs = limitMs ?? deadlineMs
    let isOver = false
    const cancel = schedule(
      () => {
        if (isOver) return
        isOver = true
        if (tookMs <= waitMs) return settle()
        const told = onUnanswered?.() ?? null
        reject(noAnswer())
        if (told !== null) schedule(() => told(tookMs <= deadlineMs), Math.min(tookMs, deadlineMs) - waitMs)
      },
      Math.min(tookMs, waitMs),
    )
    giveUp?.addEventListener('abort', () => {
      if (isOver) return
      isOver = true
      cancel()
      reject(noAnswer())
    })
  })
}
