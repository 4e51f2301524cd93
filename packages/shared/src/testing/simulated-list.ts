import fc from 'fast-check'

/** One customer of a simulated list. `isNameless`: an element that cannot be read, such as null. */
export interface SimulatedItem {
  readonly id: string
  version: number
  readonly isNameless: boolean
}

export type ListChange = { readonly kind: 'edit' | 'delete'; readonly which: number } | { readonly kind: 'create' }

export interface ListModes {
  /** A page holds no more. */
  readonly maxPageLength: number
  /** How the peer counts: `capped` stops at `maxTotal`. */
  readonly totals: 'honest' | 'capped' | 'zero' | 'absent'
  readonly maxTotal: number
  /** A page behind the last one is answered with the last one. */
  readonly repeatsLastPage: boolean
}

export interface ListScript extends ListModes {
  /** Versions of the items that are there at the beginning. */
  readonly versions: readonly number[]
  /** Which of these items are nameless. */
  readonly nameless: readonly number[]
  /** What happens before each request. */
  readonly changes: readonly (readonly ListChange[])[]
}

/** A peer's list that changes between two requests, and what the reader must have seen of it. */
export function createSimulatedList({ versions, nameless, changes, ...modes }: ListScript) {
  let items = versions.map(
    (version, index): SimulatedItem => ({ id: `${index}`, version, isNameless: nameless.includes(index) }),
  )
  const untouched = new Set(items.filter(({ isNameless }) => !isNameless).map(({ id }) => id))
  let now = 1_000
  let requests = 0
  const apply = (change: ListChange) => {
    now++
    if (change.kind === 'create') items.push({ id: `new ${now}`, version: now, isNameless: false })
    else if (items.length > 0) {
      const item = items[change.which % items.length]!
      untouched.delete(item.id)
      if (change.kind === 'edit') item.version = now
      else items = items.filter((it) => it !== item)
    }
  }
  return {
    get requests() {
      return requests
    },
    /** Items that nothing has happened to. */
    untouched,
    versionOf: (id: string) => versions[Number(id)]!,
    /** One page of the items that `matches`, sorted by `rank` and, within it, by age. */
    page(
      matches: (item: SimulatedItem) => boolean,
      rank: (item: SimulatedItem) => number,
      index: number,
      size: number,
    ) {
      for (const change of changes[requests] ?? []) apply(change)
      requests++
      const all = items.filter(matches).toSorted((a, b) => rank(a) - rank(b))
      const length = Math.min(size, modes.maxPageLength)
      const last = Math.max(0, Math.ceil(all.length / length) - 1)
      const shown = modes.repeatsLastPage ? Math.min(index, last) : index
      const total = { honest: all.length, capped: Math.min(all.length, modes.maxTotal), zero: 0, absent: null }
      return { items: all.slice(shown * length, (shown + 1) * length), total: total[modes.totals] }
    },
  }
}

export const isoOf = (version: number): string => new Date(Date.UTC(2026, 0, 1) + version * 1_000).toISOString()

const change: fc.Arbitrary<ListChange> = fc.oneof(
  fc.record({ kind: fc.constantFrom('edit' as const, 'delete' as const), which: fc.nat(400) }),
  fc.record({ kind: fc.constant('create' as const) }),
)

/** Lists of some pages, often with many items of one timestamp. */
export const aQuietList: fc.Arbitrary<ListScript> = fc
  .record({
    versions: fc.oneof(
      fc.array(fc.nat(900), { maxLength: 40 }),
      fc.array(fc.nat(3), { maxLength: 40 }),
      fc.array(fc.nat(900), { minLength: 90, maxLength: 320 }),
      fc.array(fc.nat(2), { minLength: 90, maxLength: 320 }),
    ),
    maxPageLength: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(50, 100, 1_000)),
    totals: fc.constantFrom('honest' as const, 'capped' as const, 'zero' as const, 'absent' as const),
    maxTotal: fc.integer({ min: 1, max: 60 }),
    repeatsLastPage: fc.boolean(),
    nameless: fc.array(fc.nat(40), { maxLength: 2 }),
  })
  .map((script) => ({ ...script, changes: [] }))

/** The same while customers change. Deletions only where the total tells of them. */
export const aChangingList: fc.Arbitrary<ListScript> = fc
  .tuple(aQuietList, fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 12 }))
  .map(([script, changes]) => ({
    ...script,
    changes: changes.map((some) => some.filter(({ kind }) => kind !== 'delete' || script.totals === 'honest')),
  }))
