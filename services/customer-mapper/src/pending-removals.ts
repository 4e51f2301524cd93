import type { Effect } from '@sync/shared/outcome'
import type { OldInList } from './kept-elements.ts'
import { createRecent, type Recent } from './recent.ts'

/** A write that was to take elements out of lists, and that no read has shown yet. */
export interface PendingRemoval {
  /** Flow's version that the write brought, `''` when it had none. */
  readonly version: string
  readonly old: readonly OldInList[]
  /** What the write changed, for the outcome of the record. */
  readonly effect: Effect
  readonly writtenAtMs: number
}

/** A record that waits longer than this is decided anew. */
const KEEP_MS = 600_000

/** By record key, in memory. Who forgets sends the write again. */
export const createPendingRemovals = (): Recent<PendingRemoval> => createRecent(KEEP_MS)
