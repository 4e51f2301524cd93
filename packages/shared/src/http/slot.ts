import type { Target } from '../errors.ts'
import type { Call } from './call.ts'

/**
 * The permission to have one request in flight at a target. A slot also holds rate-limit tokens for its first requests, so
 * that a read and the write that the read decides are never separated by a wait in the rate limiter.
 */
export interface Slot {
  /**
   * Resolves when the next request of this slot may be sent. Requests of one slot are sent one after the other. A request
   * beyond the tokens of the slot waits for a rate-limit token, never for a second slot. Rejects with the signal's reason.
   */
  enter(signal: AbortSignal): Promise<SlotTurn>
  /** Gives back the slot and its unused tokens. The slot of a request that is still in flight is given back after it. */
  release(): void
}

/** The turn of one request in its slot. */
export interface SlotTurn {
  /** The request is over. */
  end(): void
  /** The request was not sent, so its rate-limit token is given back. */
  giveBack(): void
}

/** The slots that a call holds, by target. */
export type Slots = Partial<Readonly<Record<Target, Slot>>>

/**
 * Throws an Error, because the call is a bug. Handlers take the slot of Flow before the slot of Omnium. Two handlers that
 * hold one slot each and wait for the slot of the other would wait for ever.
 */
export function requireSlotOrder({ slots }: Call, target: Target): void {
  if (target === 'flow' && slots?.omnium !== undefined && slots.flow === undefined) {
    throw new Error('asking for a slot of flow while holding a slot of omnium: take the slot of flow first')
  }
}
