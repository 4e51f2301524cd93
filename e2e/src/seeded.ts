/** Chance that repeats: from 0 (inclusive) to 1 (exclusive), by mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** KEYED_SEED, or by chance; a test puts it into its failures. */
export const newSeed = (): number => Number(process.env.KEYED_SEED || Math.floor(Math.random() * 1e9))
