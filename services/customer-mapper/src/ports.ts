import type { Target } from '@sync/shared/errors'
import type { FlowClient } from '@sync/shared/flow/client'
import type { Publisher } from '@sync/shared/kafka/publisher'
import type { OmniumClient } from '@sync/shared/omnium/client'
import type { PatchLists } from './patch-lists.ts'
import type { PendingRemoval } from './pending-removals.ts'
import type { Recent } from './recent.ts'
import type { RefusedCreates } from './refused-creates.ts'

/** What the customer-mapper reads, writes and publishes with. */
export interface Peers {
  readonly flow: FlowClient
  readonly omnium: OmniumClient
  readonly publisher: Publisher
}

/** The peers, and what this process remembers between two handlings of a key. */
export interface Ports extends Peers {
  /**
   * The versions that this process wrote in Omnium lately, by record key. Of a read that does not show ours yet (a replica
   * that lags behind), an edit that goes back to the value before would seem to change nothing.
   */
  readonly written: Recent<string>
  readonly pendingRemovals: Recent<PendingRemoval>
  readonly patchLists: PatchLists
  readonly refusedCreates: Readonly<Record<Target, RefusedCreates>>
}
