/** Entries by their key. Those of one tenant are found without a look at the others. */
export interface KeyedEntries<E> {
  readonly size: number
  get(key: string): E | undefined
  add(entry: E): void
  delete(entry: E): void
  values(): IterableIterator<E>
  /** In the order in which they were added. An iteration may go on after entries were added or deleted. */
  of(tenant: string): Iterable<E>
}

export function createKeyedEntries<E extends { readonly key: string; readonly tenant: string }>(): KeyedEntries<E> {
  const byKey = new Map<string, E>()
  const byTenant = new Map<string, Set<E>>()
  return {
    get size() {
      return byKey.size
    },
    get: (key) => byKey.get(key),
    add(entry) {
      byKey.set(entry.key, entry)
      const own = byTenant.get(entry.tenant)
      if (own === undefined) byTenant.set(entry.tenant, new Set([entry]))
      else own.add(entry)
    },
    delete(entry) {
      byKey.delete(entry.key)
      const own = byTenant.get(entry.tenant)
      own?.delete(entry)
      if (own?.size === 0) byTenant.delete(entry.tenant)
    },
    values: () => byKey.values(),
    of: (tenant) => byTenant.get(tenant) ?? [],
  }
}
