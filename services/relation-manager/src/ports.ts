import type { FlowClient } from '@sync/shared/flow/client'
import type { Publisher } from '@sync/shared/kafka/publisher'
import type { OmniumClient } from '@sync/shared/omnium/client'

/** What the relation-manager works with, and how long it waits for what. */
export interface Ports {
  readonly flow: FlowClient
  readonly omnium: OmniumClient
  readonly publisher: Publisher
  /** How long a parent waits for the announced write of a child's parent. */
  readonly parentConfirmMs: number
  /** How long a company waits for its parent to appear in Omnium before Flow is asked. */
  readonly parentWaitMs: number
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number
  /** A request is over within this time; the target may still execute it as long again. */
  readonly requestDeadlineMs: number
}

/**
 * How old an announcement may be when the write that it announces is sent: such that the write is over, a late
 * execution at the target included, while the parents still wait for it.
 */
export const maxAnnouncementAgeMs = ({ parentConfirmMs, requestDeadlineMs }: Ports): number =>
  Math.min(parentConfirmMs / 2, parentConfirmMs - 2 * requestDeadlineMs)
