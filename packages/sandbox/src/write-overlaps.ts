/** The writes that are being handled now. */
export interface WriteOverlaps {
  /** Begins a write of these ids. null: another write of one of them is being handled. Otherwise ends the write. */
  begin(ids: readonly string[]): (() => void) | null
}

/** Two writes of one id at the same time: the second is refused, as by a check of the version. */
export function createWriteOverlaps(): WriteOverlaps {
  const writing = new Set<string>()
  return {
    begin(ids) {
      if (ids.some((id) => writing.has(id))) return null
      for (const id of ids) writing.add(id)
      let isOver = false
      return () => {
        if (isOver) return
        isOver = true
        for (const id of ids) writing.delete(id)
      }
    },
  }
}
