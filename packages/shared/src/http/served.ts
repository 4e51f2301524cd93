import { type HttpAnswer, headerOf } from './request.ts'

export interface Served {
  /** The peer's clock when it answered, ms since the epoch, in whole seconds; null or absent when the answer has no `Date`. */
  readonly servedAtMs?: number | null
}

export function servedAtMs(answer: HttpAnswer): number | null {
  const at = Date.parse(headerOf(answer, 'date') ?? '')
  return Number.isNaN(at) ? null : at
}
