/** Holds a number for each name. A name whose number is 0 is forgotten. */
export interface Counts {
  get(name: string): number
  add(name: string, by: number): void
  names(): IterableIterator<string>
}

export function createCounts(): Counts {
  const counts = new Map<string, number>()
  return {
    get: (name: string) => counts.get(name) ?? 0,
    add(name: string, by: number) {
      const count = (counts.get(name) ?? 0) + by
      if (count === 0) counts.delete(name)
      else counts.set(name, count)
    },
    names: () => counts.keys(),
  }
}
