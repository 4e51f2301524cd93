/** Open scrolls of one tenant: each goes through the ids that its query matched when it was opened. */
export interface Scrolls {
  open(ids: readonly string[], take: number): string
  /** The next ids, none at its end. null: unknown, or closed because too many were opened since. */
  next(scrollId: string): readonly string[] | null
}

export function createScrolls(maxOpen = 100): Scrolls {
  const scrolls = new Map<string, { ids: readonly string[]; take: number; position: number }>()
  let opened = 0
  return {
    open(ids, take) {
      opened += 1
      const scrollId = `scroll-${opened}`
      scrolls.set(scrollId, { ids, take, position: 0 })
      const [oldest] = scrolls.keys()
      if (scrolls.size > maxOpen && oldest !== undefined) scrolls.delete(oldest)
      return scrollId
    },
    next(scrollId) {
      const scroll = scrolls.get(scrollId)
      if (!scroll) return null
      const ids = scroll.ids.slice(scroll.position, scroll.position + scroll.take)
      scroll.position += ids.length
      return ids
    },
  }
}
