import { type Conflicts, createConflicts } from '@sync/shared/conflicts'
import type { OmniumClient } from '@sync/shared/omnium/client'
import { createPatchCompany, type PatchCompany } from './patch-company.ts'
import { createRemovals, type Removals } from './removals.ts'
import { createUnsettledWrites, type UnsettledWrites } from './unsettled.ts'

/** What one process remembers between the records of a company. Losing it costs calls, and is never wrong. */
export interface State {
  readonly unsettled: UnsettledWrites
  readonly removals: Removals
  readonly conflicts: Conflicts
  readonly patchCompany: PatchCompany
}

export const createState = (omnium: OmniumClient, random: () => number): State => ({
  unsettled: createUnsettledWrites(),
  removals: createRemovals(),
  conflicts: createConflicts({ random }),
  patchCompany: createPatchCompany(omnium),
})
