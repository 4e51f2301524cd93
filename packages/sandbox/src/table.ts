/** Rows by id. A listing is sorted once and kept until the next write, so that paging through many rows stays cheap. */
export interface Table<Row> {
  get(id: string): Row | undefined
  set(id: string, row: Row): void
  delete(id: string): boolean
  clear(): void
  /** In the order of creation. */
  all(): readonly Row[]
  /** Ascending by `keyOf`, ties in the order of creation. `name` stands for `keyOf` in what is kept. */
  sorted(name: string, keyOf: (row: Row) => string | number): readonly Row[]
}

export function createTable<Row>(): Table<Row> {
  const rows = new Map<string, Row>()
  const listings = new Map<string, readonly Row[]>()

  return {
    get: (id) => rows.get(id),
    set(id, row) {
      rows.set(id, row)
      listings.clear()
    },
    delete(id) {
      listings.clear()
      return rows.delete(id)
    },
    clear() {
      rows.clear()
      listings.clear()
    },
    all: () => [...rows.values()],
    sorted(name, keyOf) {
      const kept = listings.get(name)
      if (kept) return kept
      const keyed = [...rows.values()].map((row) => ({ row, key: keyOf(row) }))
      keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
      const sorted = keyed.map(({ row }) => row)
      listings.set(name, sorted)
      return sorted
    },
  }
}
