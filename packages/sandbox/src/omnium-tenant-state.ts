import type { OmniumRow } from './omnium-customers.ts'
import type { OmniumModes } from './omnium-modes.ts'
import { createOmniumRules } from './omnium-rules.ts'
import { createScrolls, type Scrolls } from './omnium-scrolls.ts'
import { createOmniumStore, type OmniumStore, type OmniumStorePort } from './omnium-store.ts'
import { createSearchLag } from './search-lag.ts'
import { createWriteOverlaps, type WriteOverlaps } from './write-overlaps.ts'

/** Everything that Omnium's stand-in keeps of one tenant. */
export interface OmniumTenantState {
  readonly store: OmniumStore
  readonly scrolls: Scrolls<OmniumRow>
  readonly overlaps: WriteOverlaps
  /** How long searches lack the writes of this customer or order; null: as long as the modes say. */
  fixSearchLag(id: string, ms: number | null): void
}

export interface TenantStatePort extends Omit<OmniumStorePort, 'lagMs' | 'rules'> {
  readonly modes: () => OmniumModes
}

export function createOmniumTenantState({ modes, ...port }: TenantStatePort): OmniumTenantState {
  const lag = createSearchLag()
  const store = createOmniumStore({
    ...port,
    rules: createOmniumRules(modes),
    lagMs: (id) => lag.draw(id, modes()),
  })
  return {
    store,
    scrolls: createScrolls(port.now),
    overlaps: createWriteOverlaps(),
    fixSearchLag(id, ms) {
      lag.fix(id, ms)
      store.lagChanged(id)
    },
  }
}
