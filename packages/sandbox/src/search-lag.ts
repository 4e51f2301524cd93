import { seededChance } from './disturbance.ts'

export interface SearchLagSettings {
  readonly searchLagMs: number
  readonly searchLagSeed: number | null
}

/** How long the searches of one tenant lack each write. */
export interface SearchLag {
  /** Draws the lag of one write. `settings` hold from the next draw on. */
  draw(id: string, settings: SearchLagSettings): number
  /** A fixed lag for one customer or order; null: the tenant's again. */
  fix(id: string, ms: number | null): void
}

export function createSearchLag(): SearchLag {
  const fixed = new Map<string, number>()
  let chance: { readonly seed: number; readonly draw: () => number } | null = null
  return {
    draw(id, { searchLagMs, searchLagSeed }) {
      const ownMs = fixed.get(id)
      if (ownMs !== undefined) return ownMs
      if (searchLagSeed === null) return searchLagMs
      if (chance?.seed !== searchLagSeed) chance = { seed: searchLagSeed, draw: seededChance(searchLagSeed) }
      return Math.floor(chance.draw() * (searchLagMs + 1))
    },
    fix(id, ms) {
      if (ms === null) fixed.delete(id)
      else fixed.set(id, ms)
    },
  }
}
