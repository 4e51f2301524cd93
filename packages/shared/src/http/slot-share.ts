/** What a process may use of a tenant's slots at a target. */
export interface ShareOf {
  /** The slots of the service, over all its processes. Below one: the part of the time in which it may use one slot. */
  readonly slots: number
  /** The slots of the services before this one; see `sliced`. */
  readonly before: number
  /** The partitions that the process owns, of `all`. */
  readonly own: readonly number[]
  readonly all: number
}

/** The slots of a process. All processes together never have more than the tenant's. */
export interface SlotShare {
  /** Slots on average. */
  readonly part: number
  /** The most slots at any time. */
  readonly most: number
  /** The slots now, and when their number changes, or null for never. Times are ms since the epoch, as in all processes. */
  at(nowMs: number): { readonly slots: number; readonly untilMs: number | null }
}

const PERIOD_MS = 1_000
/** Shares are decimal fractions, whose products are not exact. */
const NEARLY = 1e-9

/**
 * A process whose part is one slot or more has the whole slots of its part. A process whose part is below one slot has one
 * slot during a part of the time: each of its partitions has a slice of every second.
 */
export function shareSlots({ slots, before, own, all }: ShareOf): SlotShare {
  const whole = slots >= 1 ? Math.floor(slots + NEARLY) : slots
  const part = (whole * own.length) / all
  const most = Math.max(1, Math.floor(part + NEARLY))
  // A process without partitions has nothing to send. What it sends all the same must not wait for ever.
  if (own.length === 0) return { part: 1, most: 1, at: () => ({ slots: 1, untilMs: null }) }
  const isOfEverybody = (whole * fewestOf(own.length, all)) / all >= 1 - NEARLY
  if (isOfEverybody) return { part, most, at: () => ({ slots: most, untilMs: null }) }
  return { part, most, at: sliced({ slots: whole, before: slots >= 1 ? 0 : before, own, all }, most) }
}

/**
 * Partition i has the stretch from i × slots ÷ all, of the length slots ÷ all, on a line on which each slot is one second
 * long. At each moment the line is cut at the same fraction of every second, and a process has the slots in whose cut its
 * partitions lie. So the processes share the slots exactly. Services with less than a slot stand one after the other on
 * the line, so that they share a slot with each other too.
 */
function sliced({ slots, before, own, all }: ShareOf, most: number) {
  const length = slots / all
  const starts = own.map((partition) => fraction(before + partition * length))
  return (nowMs: number) => {
    const phase = fraction(nowMs / PERIOD_MS)
    let count = 0
    let next = 1
    for (const start of starts) {
      const since = fraction(phase - start + NEARLY)
      if (since < length) count++
      next = Math.min(next, since < length ? length - since : 1 - since)
    }
    return { slots: Math.min(most, count), untilMs: nowMs + Math.max(1, Math.ceil(next * PERIOD_MS)) }
  }
}

const fraction = (value: number): number => value - Math.floor(value)

/**
 * The fewest partitions that another process may own beside one that owns `count`: the assigner balances them to within one.
 * All processes of a service must come to the same answer.
 */
function fewestOf(count: number, all: number): number {
  let fewest = count
  for (let members = 1; members <= all; members++) {
    const least = Math.floor(all / members)
    const isPossible = count === least || (count === least + 1 && all % members > 0)
    if (isPossible) fewest = Math.min(fewest, least)
  }
  return fewest
}
