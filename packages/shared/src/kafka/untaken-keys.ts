/** Entries of keys that nobody has taken, by tenant, in the order in which they came. Each call takes constant time. */
export interface UntakenKeys<E> {
  /** An entry that is there keeps its place. */
  add(entry: E): void
  delete(entry: E): void
  /** The tenant's entry that came first, or null. */
  first(tenant: string): E | null
}

interface Node<E> {
  readonly entry: E
  before: Node<E> | null
  after: Node<E> | null
}

/** Linked lists, because a Set from which the first is deleted again and again looks at all that was deleted each time. */
export function createUntakenKeys<E extends { readonly tenant: string }>(): UntakenKeys<E> {
  const nodes = new Map<E, Node<E>>()
  const firsts = new Map<string, Node<E>>()
  const lasts = new Map<string, Node<E>>()
  const set = (ends: Map<string, Node<E>>, tenant: string, node: Node<E> | null) =>
    node === null ? ends.delete(tenant) : ends.set(tenant, node)
  return {
    add(entry) {
      if (nodes.has(entry)) return
      const before = lasts.get(entry.tenant) ?? null
      const node: Node<E> = { entry, before, after: null }
      nodes.set(entry, node)
      lasts.set(entry.tenant, node)
      if (before === null) firsts.set(entry.tenant, node)
      else before.after = node
    },
    delete(entry) {
      const node = nodes.get(entry)
      if (node === undefined) return
      nodes.delete(entry)
      const { before, after } = node
      if (before === null) set(firsts, entry.tenant, after)
      else before.after = after
      if (after === null) set(lasts, entry.tenant, before)
      else after.before = before
    },
    first: (tenant) => firsts.get(tenant)?.entry ?? null,
  }
}
