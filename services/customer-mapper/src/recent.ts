/** What was noted of keys lately. Times are ms since the epoch. */
export interface Recent<V> {
  note(key: string, value: V, now: number): void
  /** The last note of a key, undefined once it is too old. */
  of(key: string, now: number): V | undefined
  forget(key: string): void
}

/** Forgets a note after `keepMs`, so that it holds no more than is noted in that time. */
export function createRecent<V>(keepMs: number): Recent<V> {
  const notes = new Map<string, { readonly value: V; readonly until: number }>()
  return {
    note(key, value, now) {
      notes.delete(key)
      notes.set(key, { value, until: now + keepMs })
      for (const [oldest, { until }] of notes) {
        if (until > now) return
        notes.delete(oldest)
      }
    },
    of(key, now) {
      const noted = notes.get(key)
      return noted !== undefined && noted.until > now ? noted.value : undefined
    },
    forget: (key) => void notes.delete(key),
  }
}
