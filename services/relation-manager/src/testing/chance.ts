/** A seeded source of chance: the same seed, the same run. */
export interface Chance {
  /** 0 ≤ n < max. */
  below(max: number): number
  /** True once in `n`. */
  oneIn(n: number): boolean
  pick<Item>(items: readonly Item[]): Item
}

export function createChance(seed: number): Chance {
  let state = seed | 0
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (max: number) => Math.floor(next() * max)
  return { below, oneIn: (n) => below(n) === 0, pick: (items) => items[below(items.length)]! }
}
