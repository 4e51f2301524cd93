/** Says what a place in a line still stands for: an entry, or null when it was left behind. */
export type Valid<E> = (key: string, turn: number) => E | null

interface Place {
  readonly key: string
  /** Tells a place that is still valid from one that was left behind. */
  readonly turn: number
}

/** Keys in line, by tenant: tenants take turns, a tenant's keys come in order. Places left behind are passed over. */
export function createKeyLine() {
  const tenants = new Map<string, { places: Place[]; head: number }>()

  /** The entry of the tenant's first place that is still valid. The places before it are forgotten. */
  const first = <E>(tenant: string, line: { places: Place[]; head: number }, valid: Valid<E>): E | null => {
    for (; line.head < line.places.length; line.head++) {
      const place = line.places[line.head]!
      const entry = valid(place.key, place.turn)
      if (entry === null) continue
      if (line.head > 1024 && line.head * 2 > line.places.length) {
        line.places = line.places.slice(line.head)
        line.head = 0
      }
      return entry
    }
    tenants.delete(tenant)
    return null
  }

  return {
    push(tenant: string, key: string, turn: number) {
      const line = tenants.get(tenant)
      if (line === undefined) tenants.set(tenant, { places: [{ key, turn }], head: 0 })
      else line.places.push({ key, turn })
    },
    /** The entry whose turn it is of a tenant that `may`, by `valid`, which says what a place still stands for. */
    peek<E>(valid: Valid<E>, may: (tenant: string) => boolean): E | null {
      for (const [tenant, line] of tenants) {
        const entry = may(tenant) ? first(tenant, line, valid) : null
        if (entry !== null) return entry
      }
      return null
    },
    /** Forgets the tenant's first places as far as they were left behind. */
    trim(tenant: string, valid: Valid<unknown>) {
      const line = tenants.get(tenant)
      if (line !== undefined) first(tenant, line, valid)
    },
    /** Takes the place of the entry that `peek` answered, and sends its tenant to the end. */
    shift<E extends { readonly tenant: string }>(entry: E): E {
      const line = tenants.get(entry.tenant)!
      line.head++
      const isEmpty = line.head >= line.places.length
      if (isEmpty) tenants.delete(entry.tenant)
      else if (tenants.size > 1) {
        tenants.delete(entry.tenant)
        tenants.set(entry.tenant, line)
      }
      return entry
    },
  }
}
