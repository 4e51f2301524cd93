/** A scroll whose client is idle for this long is closed. Source: docs.omnium.no. */
const IDLE_MS = 5 * 60_000

export interface ScrollPage<Row> {
  /** For the next page. */
  readonly scrollId: string
  /** None at the end of the scroll. */
  readonly rows: readonly Row[]
}

/** Open scrolls of one tenant: each goes through the rows that its query matched when it was opened, as they were then. */
export interface Scrolls<Row> {
  open(rows: readonly Row[], take: number): ScrollPage<Row>
  /** null: unknown, idle for too long, or closed because too many were opened since. */
  next(scrollId: string, options: { readonly changesId: boolean }): ScrollPage<Row> | null
}

export function createScrolls<Row>(now: () => number, maxOpen = 100): Scrolls<Row> {
  const scrolls = new Map<string, { rows: readonly Row[]; take: number; position: number; usedAt: number }>()
  let ids = 0
  const newId = () => {
    ids += 1
    return `scroll-${ids}`
  }

  const next: Scrolls<Row>['next'] = (scrollId, { changesId }) => {
    const scroll = scrolls.get(scrollId)
    if (!scroll || now() - scroll.usedAt > IDLE_MS) return null
    const rows = scroll.rows.slice(scroll.position, scroll.position + scroll.take)
    scroll.position += rows.length
    scroll.usedAt = now()
    if (!changesId) return { scrollId, rows }
    scrolls.delete(scrollId)
    const changed = newId()
    scrolls.set(changed, scroll)
    return { scrollId: changed, rows }
  }

  return {
    open(rows, take) {
      const scrollId = newId()
      scrolls.set(scrollId, { rows, take, position: 0, usedAt: now() })
      const [oldest] = scrolls.keys()
      if (scrolls.size > maxOpen && oldest !== undefined) scrolls.delete(oldest)
      return next(scrollId, { changesId: false })!
    },
    next,
  }
}
