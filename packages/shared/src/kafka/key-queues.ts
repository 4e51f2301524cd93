import { createCounts } from './counts.ts'
import { createDueHeap } from './due-heap.ts'
import { createKeyLine } from './key-line.ts'
import { createKeyedEntries } from './keyed-entries.ts'
import type { KeyQueues, Queued, Taken } from './queued.ts'
import { createUntakenKeys } from './untaken-keys.ts'
import { createVolume } from './volume.ts'

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
  const all = createVolume()
  const ofLane = createVolume()
  const slotsOf = createCounts()
  const lines = { live: createKeyLine(), lane: createKeyLine() }
  const waiting = createDueHeap<{ key: string; turn: number }>()
  /** Keys with live records, and keys with records of the retry topic. */
  const untaken = { live: createUntakenKeys<Entry<R>>(), lane: createUntakenKeys<Entry<R>>() }
  const laneSlots = Math.max(1, Math.floor(maxInFlight * LANE_SHARE_WHILE_LIVE_WAITS))
  let inFlight = 0
  let laneInFlight = 0
  /** With a single slot the lines take turns. */
  let lastWasLane = false
  /** Until when a tenant rests. */
  const resting = new Map<string, number>()
  /** By tenant. The next `wake` of a few keys goes on here, so that it does not visit all keys again. */
  const visits = new Map<string, Iterator<Entry<R>>>()
  /** Never given twice: a key that is forgotten and comes again must not take over what its past left behind. */
  let turns = 0

  const count = (record: R, by: 1 | -1) => {
    all.add(record, by)
    if (record.lane) ofLane.add(record, by)
  }

  /** Puts an entry that is not taken where its records say: ready, waiting, or gone. */
  const place = (entry: Entry<R>, now: number, maySpill = true) => {
    if (entry.records.size === 0) return entries.delete(entry)
    let dueAt = NEVER
    let lane = true
    const has = { live: false, lane: false }
    for (const record of entry.records) {
      if (record.dueAt < dueAt) dueAt = record.dueAt
      if (record.dueAt <= now && !record.lane) lane = false
      has[record.lane ? 'lane' : 'live'] = true
    }
    if (maySpill || dueAt <= now) {
      if (has.live) untaken.live.add(entry)
      if (has.lane) untaken.lane.add(entry)
    }
    if (dueAt > now) letWait(entry, dueAt)
    else makeReady(entry, lane)
  }

  const letWait = (entry: Entry<R>, dueAt: number) => {
    entry.state = 'waiting'
    entry.dueAt = dueAt
    entry.turn = ++turns
    waiting.push(dueAt, { key: entry.key, turn: entry.turn })
    if (waiting.size > 2 * entries.size + 1_000) waiting.prune(isCurrent)
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

  const isCurrent = ({ key, turn }: { readonly key: string; readonly turn: number }) => {
    const entry = entries.get(key)
    return entry?.state === 'waiting' && entry.turn === turn
  }

  const surface = (now: number) => {
    for (const [tenant, until] of resting) if (until <= now) resting.delete(tenant)
    for (let first = waiting.peek(); first !== null && first.dueAt <= now; first = waiting.peek()) {
      waiting.pop()
      if (isCurrent(first.value)) place(entries.get(first.value.key)!, now)
    }
  }

  const hand = (entry: Entry<R>, state: 'taken' | 'taken as surplus'): Taken<R> => {
    untaken.live.delete(entry)
    untaken.lane.delete(entry)
    entry.state = state
    return { key: entry.key, records: [...entry.records] }
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
      if (isTaken(entry)) return
      untaken[record.lane ? 'lane' : 'live'].add(entry)
      placeWith(entry, record, now)
    },
    take(now) {
      surface(now)
      if (inFlight >= maxInFlight) return null
      const entry = next()
      if (entry === null) return null
      inFlight++
      slotsOf.add(entry.tenant, 1)
      if (entry.lane) laneInFlight++
      return hand(entry, 'taken')
    },
    takeSurplus(tenant) {
      const entry = untaken.live.first(tenant)
      if (entry === null) return null
      const taken = hand(entry, 'taken as surplus')
      lines.live.trim(tenant, current)
      return taken
    },
    takeOfLane(tenant, may) {
      const entry = untaken.lane.first(tenant)
      const first = entry?.records.values().find(({ lane }) => lane)
      if (!entry || !first || !may(first)) return null
      const taken = hand(entry, 'taken as surplus')
      lines.lane.trim(tenant, current)
      return taken
    },
    takeKey(key) {
      const entry = entries.get(key)
      return entry === undefined || isTaken(entry) ? null : hand(entry, 'taken as surplus')
    },
    remove(record) {
      if (entries.get(record.key)?.records.delete(record)) count(record, -1)
    },
    release(key, now) {
      const entry = entries.get(key)
      if (entry === undefined || !isTaken(entry)) return
      const isSurplus = entry.state === 'taken as surplus'
      if (!isSurplus) {
        inFlight--
        slotsOf.add(entry.tenant, -1)
        if (entry.lane) laneInFlight--
      }
      entry.state = 'waiting'
      place(entry, now, !isSurplus)
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
        if (isTaken(entry)) continue
        if (entry.records.size === 0) entries.delete(entry)
        if (!entry.records.values().some(({ lane }) => !lane)) untaken.live.delete(entry)
        if (!entry.records.values().some(({ lane }) => lane)) untaken.lane.delete(entry)
      }
      return dropped
    },
    wake(tenant, due, now, most = Number.POSITIVE_INFINITY) {
      const waits = (record: R) => record.dueAt > now && due(record)
      /** Whether a key slept. A key that is in line for another of its records gets its turn anyway, and is none of the few. */
      const rouse = (entry: Entry<R>): boolean => {
        if (!entry.records.values().some(waits)) return false
        const slept = entry.state !== 'ready'
        resting.delete(tenant)
        for (const record of entry.records) if (waits(record)) record.dueAt = now
        if (!isTaken(entry)) place(entry, now)
        return slept
      }
      const begin = () => entries.of(tenant)[Symbol.iterator]()
      /** Rouses keys until `few` of them slept. Answers how many are missing at the end of the visit. */
      const rouseSome = (visit: Iterator<Entry<R>>, few: number): number => {
        let missing = few
        for (let next = visit.next(); !next.done; next = visit.next()) {
          if (rouse(next.value)) missing--
          if (missing === 0) break
        }
        return missing
      }
      const before = visits.get(tenant)
      const missing = before === undefined ? most : rouseSome(before, most)
      if (missing === 0) return
      const visit = begin()
      if (rouseSome(visit, missing) === 0) visits.set(tenant, visit)
      else visits.delete(tenant)
    },
    rest(tenant, until) {
      resting.set(tenant, until)
    },
    nextDueAt() {
      const restEndsAt = Math.min(...resting.values())
      for (let first = waiting.peek(); first !== null; first = waiting.peek()) {
        if (isCurrent(first.value)) return Math.min(first.dueAt, restEndsAt)
        waiting.pop()
      }
      return Number.isFinite(restEndsAt) ? restEndsAt : null
    },
    get size() {
      return all.records
    },
    all,
    lane: ofLane,
    get inFlight() {
      return inFlight
    },
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
