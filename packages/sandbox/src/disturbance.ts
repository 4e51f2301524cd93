/** What may befall deliveries on their way. `chance` answers a number from 0 to 1 (1 excluded); each share is of 1. */
export interface Disturbance {
  readonly chance: () => number
  readonly drop?: number | undefined
  readonly duplicate?: number | undefined
  readonly reorder?: number | undefined
}

/** `reorder`: sent only after a later one. */
export type Fate = 'deliver' | 'drop' | 'duplicate' | 'reorder'

/** One draw for one delivery. */
export function fateOf(disturbance: Disturbance | null): Fate {
  if (!disturbance) return 'deliver'
  const draw = disturbance.chance()
  const drop = disturbance.drop ?? 0
  const duplicate = drop + (disturbance.duplicate ?? 0)
  const reorder = duplicate + (disturbance.reorder ?? 0)
  if (draw < drop) return 'drop'
  if (draw < duplicate) return 'duplicate'
  return draw < reorder ? 'reorder' : 'deliver'
}

/** A repeatable `chance` (mulberry32): the same seed, the same draws. */
export function seededChance(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
