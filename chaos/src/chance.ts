import { seededChance } from '@sync/sandbox/disturbance'

/** Chance that repeats: the same seed and name, the same draws. */
export interface Chance {
  /** From 0 (inclusive) to 1 (exclusive). */
  draw(): number
  /** A whole number, both ends included. */
  between(min: number, max: number): number
  pick<T>(list: readonly T[]): T
  /** True in this share of the draws. */
  happens(share: number): boolean
  /** One of the names, each as often as its weight says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name
}

/** `name` sets streams of one seed apart, so that more draws of one leave the others as they were. */
export function createChance(seed: number, name: string): Chance {
  let mixed = seed >>> 0
  for (const char of name) mixed = (Math.imul(mixed ^ char.charCodeAt(0), 0x01000193) + 0x9e3779b9) >>> 0
  const draw = seededChance(mixed)
  const between = (min: number, max: number) => min + Math.floor(draw() * (max - min + 1))
  return {
    draw,
    between,
    pick(list) {
      if (list.length === 0) throw new Error('nothing to pick from')
      return list[between(0, list.length - 1)]!
    },
    happens: (share) => draw() < share,
    weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
      const entries = Object.entries(weights) as [Name, number][]
      let rest = draw() * entries.reduce((sum, [, weight]) => sum + weight, 0)
      for (const [name, weight] of entries) {
        rest -= weight
        if (rest < 0) return name
      }
      return entries.at(-1)![0]
    },
  }
}
