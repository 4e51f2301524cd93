import { type Conflicts, createConflicts } from '@sync/shared/conflicts'
import type { OmniumClient } from '@sync/shared/omnium/client'
import { createPatchWholeLists, type PatchWholeLists } from '@sync/shared/omnium/patch-whole-lists'
import { createRemovals, type Removals } from './removals.ts'
import { createUnsettledWrites, type UnsettledWrites } from './unsettled.ts'

/** What one process remembers between the records of a company. Losing it costs calls, and is never wrong. */
export interface State {
  readonly unsettled: UnsettledWrites
  readonly removals: Removals
  readonly conflicts: Conflicts
  readonly patchWholeLists: PatchWholeLists
}

export const createState = (omnium: OmniumClient, random: () => number): State => ({
  unsettled: createUnsettledWrites(),
  removals: createRemovals(),
  conflicts: createConflicts({ random }),
  patchWholeLists: createPatchWholeLists(omnium),
})
