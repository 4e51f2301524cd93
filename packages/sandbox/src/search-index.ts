import { createTable, type Table } from './table.ts'

/** Rows, and the copy of them that searches see: a write appears there only after a lag. Reads by id do not lag. */
export interface IndexedTable<Row> {
  /** The rows as they are; its writes reach the copy after their lag. */
  readonly rows: Table<Row>
  /** The copy as it is now. */
  indexed(): Table<Row>
  /** Stores a row and shows the row in the copy at once. */
  seed(id: string, row: Row): void
  /** The writes of this id that are not in the copy yet get their lag anew, each from the time of the write. */
  lagChanged(id: string): void
  /** When the copy shows all writes, ms since the epoch; null: it shows them now. */
  completeAt(): number | null
}

export interface IndexPort {
  readonly now: () => number
  /** Of a new write of this id. */
  readonly lagMs: (id: string) => number
}

interface Pending<Row> {
  /** null: deleted. */
  readonly row: Row | null
  readonly writtenAt: number
  visibleAt: number
}

/** Of one id the copy shows each write in its order, none before an earlier one. */
export function createIndexedTable<Row>({ now, lagMs }: IndexPort): IndexedTable<Row> {
  const table = createTable<Row>()
  const copy = createTable<Row>()
  const pending = new Map<string, Pending<Row>[]>()

  const show = (id: string, row: Row | null) => (row === null ? copy.delete(id) : copy.set(id, row))
  const write = (id: string, row: Row | null) => {
    const writtenAt = now()
    const queue = pending.get(id) ?? []
    const visibleAt = Math.max(writtenAt + lagMs(id), queue.at(-1)?.visibleAt ?? 0)
    pending.set(id, [...queue, { row, writtenAt, visibleAt }])
  }
  const catchUp = () => {
    const at = now()
    for (const [id, queue] of pending) {
      const due = queue.filter(({ visibleAt }) => visibleAt <= at)
      const last = due.at(-1)
      if (last) show(id, last.row)
      if (due.length === queue.length) pending.delete(id)
      else if (last) pending.set(id, queue.slice(due.length))
    }
  }

  return {
    rows: {
      ...table,
      set(id, row) {
        table.set(id, row)
        write(id, row)
      },
      delete(id) {
        if (!table.delete(id)) return false
        write(id, null)
        return true
      },
      clear() {
        for (const it of [table, copy, pending]) it.clear()
      },
    },
    indexed() {
      catchUp()
      return copy
    },
    seed(id, row) {
      table.set(id, row)
      copy.set(id, row)
      pending.delete(id)
    },
    lagChanged(id) {
      catchUp()
      let earliest = 0
      for (const it of pending.get(id) ?? []) {
        it.visibleAt = Math.max(it.writtenAt + lagMs(id), earliest)
        earliest = it.visibleAt
      }
    },
    completeAt() {
      catchUp()
      const times = [...pending.values()].map((queue) => queue.at(-1)!.visibleAt)
      return times.length === 0 ? null : Math.max(...times)
    },
  }
}
