import { createCounts } from './counts.ts'
import { createDueHeap } from './due-heap.ts'
import { createKeyLine } from './key-line.ts'
import { createKeyedEntries } from './keyed-entries.ts'

/** What the queues need to know of a record. `dueAt` (ms) may be changed only while the record's key is taken, or by `wake`. */
export interface Queued {
  readonly key: string
  readonly tenant: string
  /** Came by the retry lane: live records go first when slots are short. */
  readonly lane: boolean
  readonly bytes: number
  dueAt: number
}

/**
 * The waiting records of every key and the order in which keys get a slot. One key is handled by one taker at a time;
 * a taker gets all records of its key that are there, and what arrives meanwhile waits for the next turn.
 */
export interface KeyQueues<R extends Queued> {
  add(record: R, now: number): void
  /**
   * The next key with a due record and its records in order of arrival (also those that are not due, which the taker
   * leaves alone), or null when nothing is due or every slot is taken. Tenants take turns, and so do the keys of one.
   */
  take(now: number): Taken<R> | null
  /** The due key of a tenant that would be taken last, out of its turn and without a slot; null when it has none. */
  takeSurplus(tenant: string): Taken<R> | null
  /** Ends a record; its key stays taken. */
  remove(record: R): void
  /** Gives the key's slot back; what is left of it waits until due. */
  release(key: string, now: number): void
  /** Forgets the records for which `gone` holds. A taken key stays taken until its release. */
  drop(gone: (record: R) => boolean): R[]
  /** Makes the waiting records of the tenant for which `due` holds due now; of at most `most` keys, others at every call. */
  wake(tenant: string, due: (record: R) => boolean, now: number, most?: number): void
  /** Takes no key of the tenant before `until`, or the next `wake` of one of its records. */
  rest(tenant: string, until: number): void
  /** When there may be something to take that is not there now, or null. */
  nextDueAt(): number | null
  readonly size: number
  /** Of these, the ones of the retry lane. */
  readonly laneSize: number
  readonly laneBytes: number
  readonly bytes: number
  readonly inFlight: number
  sizeOf(tenant: string): number
  bytesOf(tenant: string): number
  /** Those that have records here. */
  tenants(): IterableIterator<string>
  records(): IterableIterator<R>
  /** The first record of each key, which came before the key's others. */
  forEachFirst(visit: (record: R) => void): void
}

export interface Taken<R> {
  readonly key: string
  readonly records: readonly R[]
}

interface Entry<R> {
  readonly key: string
  readonly tenant: string
  readonly records: Set<R>
  state: 'waiting' | 'ready' | 'taken' | 'taken as surplus'
  /** In which line it stands when ready, or stood when it was taken. */
  lane: boolean
  /** The earliest time of its records when it waits. */
  dueAt: number
  /** Tells a place in a line, or a heap entry, that is still valid from one that was left behind. */
  turn: number
}

/** Lane records get this part of the slots at least, and half at most, while live records wait. */
const LANE_SHARE_WHILE_LIVE_WAITS = 1 / 8
/**
 * Of the slots that others leave, a tenant may take this part: what a hanging target holds for as long as a request may
 * take is never all of them, whatever the number of such tenants.
 */
const TENANT_SHARE_OF_SLOTS = 3 / 4

/** `isShared`: whether there may be records of several tenants; then none of them may have all the slots. */
export function createKeyQueues<R extends Queued>(maxInFlight: number, isShared = () => false): KeyQueues<R> {
  const entries = createKeyedEntries<Entry<R>>()
  const sizes = createCounts()
  const bytesOf = createCounts()
  const slotsOf = createCounts()
  const lines = { live: createKeyLine(), lane: createKeyLine() }
  const waiting = createDueHeap<{ key: string; turn: number }>()
  const laneSlots = Math.max(1, Math.floor(maxInFlight * LANE_SHARE_WHILE_LIVE_WAITS))
  let size = 0
  let laneSize = 0
  let laneBytes = 0
  let bytes = 0
  let inFlight = 0
  let laneInFlight = 0
  /** With a single slot the lines take turns. */
  let lastWasLane = false
  /** Until when a tenant rests. */
  const resting = new Map<string, number>()
  /** Where the next `wake` of a few keys of a tenant begins. */
  const woken = new Map<string, number>()
  /** Never given twice: a key that is forgotten and comes again must not take over what its past left behind. */
  let turns = 0

  const count = (record: R, by: 1 | -1) => {
    size += by
    bytes += by * record.bytes
    if (record.lane) {
      laneSize += by
      laneBytes += by * record.bytes
    }
    sizes.add(record.tenant, by)
    bytesOf.add(record.tenant, by * record.bytes)
  }

  /** Puts an entry that is not taken where its records say: ready, waiting, or gone. */
  const place = (entry: Entry<R>, now: number) => {
    if (entry.records.size === 0) return entries.delete(entry)
    let dueAt = NEVER
    let lane = true
    for (const record of entry.records) {
      if (record.dueAt < dueAt) dueAt = record.dueAt
      if (record.dueAt <= now && !record.lane) lane = false
    }
    if (dueAt > now) letWait(entry, dueAt)
    else makeReady(entry, lane)
  }

  const letWait = (entry: Entry<R>, dueAt: number) => {
    entry.state = 'waiting'
    entry.dueAt = dueAt
    entry.turn = ++turns
    waiting.push(dueAt, { key: entry.key, turn: entry.turn })
  }

  const makeReady = (entry: Entry<R>, lane: boolean) => {
    if (entry.state === 'ready' && (lane || !entry.lane)) return
    entry.state = 'ready'
    entry.lane = lane
    entry.turn = ++turns
    lines[lane ? 'lane' : 'live'].push(entry.tenant, entry.key, entry.turn)
  }

  /** Like `place`, for an entry with one new record. Does not look at the other records, because there may be 100,000 of them. */
  const placeWith = (entry: Entry<R>, { dueAt, lane }: R, now: number) => {
    if (entry.state === 'waiting' && entry.dueAt <= now) place(entry, now)
    else if (dueAt <= now) makeReady(entry, lane)
    else if (entry.state === 'waiting' && dueAt < entry.dueAt) letWait(entry, dueAt)
  }

  const surface = (now: number) => {
    for (const [tenant, until] of resting) if (until <= now) resting.delete(tenant)
    for (let first = waiting.peek(); first !== null && first.dueAt <= now; first = waiting.peek()) {
      waiting.pop()
      const entry = entries.get(first.value.key)
      if (entry?.state === 'waiting' && entry.turn === first.value.turn) place(entry, now)
    }
  }

  const current = (key: string, turn: number) => {
    const entry = entries.get(key)
    return entry?.state === 'ready' && entry.turn === turn ? entry : null
  }

  const mayTake = (tenant: string) => {
    const own = slotsOf.get(tenant)
    return own === 0 || own < Math.floor((maxInFlight - inFlight + own) * TENANT_SHARE_OF_SLOTS)
  }

  const next = (): Entry<R> | null => {
    const has = isShared() ? mayTake : anyTenant
    const may = resting.size === 0 ? has : (tenant: string) => !resting.has(tenant) && has(tenant)
    const live = lines.live.peek(current, may)
    const lane = lines.lane.peek(current, may)
    const isLanesTurn = laneInFlight < laneSlots && !(maxInFlight === 1 && lastWasLane)
    lastWasLane = lane !== null && (live === null || isLanesTurn)
    if (live !== null && !lastWasLane) return lines.live.shift(live)
    return lane === null ? null : lines.lane.shift(lane)
  }

  return {
    add(record, now) {
      count(record, 1)
      let entry = entries.get(record.key)
      if (entry === undefined) {
        const { key, tenant } = record
        entry = { key, tenant, records: new Set(), state: 'waiting', lane: true, dueAt: NEVER, turn: 0 }
        entries.add(entry)
      }
      entry.records.add(record)
      if (!isTaken(entry)) placeWith(entry, record, now)
    },
    take(now) {
      surface(now)
      if (inFlight >= maxInFlight) return null
      const entry = next()
      if (entry === null) return null
      entry.state = 'taken'
      inFlight++
      slotsOf.add(entry.tenant, 1)
      if (entry.lane) laneInFlight++
      return { key: entry.key, records: [...entry.records] }
    },
    takeSurplus(tenant) {
      const entry = lines.live.pop(tenant, current)
      if (entry === null) return null
      entry.state = 'taken as surplus'
      return { key: entry.key, records: [...entry.records] }
    },
    remove(record) {
      if (entries.get(record.key)?.records.delete(record)) count(record, -1)
    },
    release(key, now) {
      const entry = entries.get(key)
      if (entry === undefined || !isTaken(entry)) return
      if (entry.state === 'taken') {
        inFlight--
        slotsOf.add(entry.tenant, -1)
        if (entry.lane) laneInFlight--
      }
      entry.state = 'waiting'
      place(entry, now)
    },
    drop(gone) {
      const dropped: R[] = []
      for (const entry of entries.values()) {
        for (const record of entry.records) {
          if (!gone(record)) continue
          entry.records.delete(record)
          count(record, -1)
          dropped.push(record)
        }
        if (entry.records.size === 0 && !isTaken(entry)) entries.delete(entry)
      }
      return dropped
    },
    wake(tenant, due, now, most = Number.POSITIVE_INFINITY) {
      const waits = (record: R) => record.dueAt > now && due(record)
      const rouse = (entry: Entry<R>) => {
        resting.delete(tenant)
        for (const record of entry.records) if (waits(record)) record.dueAt = now
        if (!isTaken(entry)) place(entry, now)
      }
      const concerned = [...entries.of(tenant)].filter(({ records }) => records.values().some(waits))
      const sleeping = concerned.filter(({ state }) => state !== 'ready')
      // A key that is in line for another of its records gets its turn anyway: it is none of the few.
      for (const entry of concerned) if (entry.state === 'ready') rouse(entry)
      const count = Math.min(most, sleeping.length)
      const from = woken.get(tenant) ?? 0
      for (let i = 0; i < count; i++) rouse(sleeping[(from + i) % sleeping.length]!)
      woken.set(tenant, (from + count) % Math.max(1, sleeping.length))
    },
    rest(tenant, until) {
      resting.set(tenant, until)
    },
    nextDueAt() {
      const restEndsAt = Math.min(...resting.values())
      for (let first = waiting.peek(); first !== null; first = waiting.peek()) {
        const entry = entries.get(first.value.key)
        if (entry?.state === 'waiting' && entry.turn === first.value.turn) return Math.min(first.dueAt, restEndsAt)
        waiting.pop()
      }
      return Number.isFinite(restEndsAt) ? restEndsAt : null
    },
    get size() {
      return size
    },
    get laneSize() {
      return laneSize
    },
    get laneBytes() {
      return laneBytes
    },
    get bytes() {
      return bytes
    },
    get inFlight() {
      return inFlight
    },
    sizeOf: sizes.get,
    bytesOf: bytesOf.get,
    tenants: sizes.names,
    *records() {
      for (const entry of entries.values()) yield* entry.records
    },
    forEachFirst(visit) {
      for (const { records } of entries.values()) {
        const [first] = records
        if (first !== undefined) visit(first)
      }
    },
  }
}

const NEVER = Number.POSITIVE_INFINITY
const anyTenant = () => true
const isTaken = ({ state }: { readonly state: Entry<unknown>['state'] }) =>
  state === 'taken' || state === 'taken as surplus'
