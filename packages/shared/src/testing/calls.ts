import type { AbsenceEvidence } from '../absences/evidence.ts'
import type { Target } from '../errors.ts'
import type { Call } from '../http/call.ts'
import { requireSlotOrder } from '../http/slot.ts'

/** One call that a fake peer got, in the order of their arrival. */
export interface PeerCall {
  /** The client's method. */
  readonly operation: string
  readonly tenant: string
  /** The record key that the call was made for. */
  readonly key: string
  /** The id that it reads or writes; `''` for lists. */
  readonly id: string
  readonly kind?: 'B2C' | 'B2B'
  /** What the caller of a read or of `proveAbsent` knew of the id. */
  readonly evidence?: AbsenceEvidence
  /** What was sent; absent for reads. */
  readonly body?: Readonly<Record<string, unknown>>
}

/** Such as a `proveAbsent` that is pending: it answers at once unless it fails. */
export interface Failure {
  /** Which calls fail; every one when left out. */
  readonly when?: (call: PeerCall) => boolean
  /** `before` the write takes effect (default), or `after` it did: the reply is lost. */
  readonly at?: 'before' | 'after'
  /** How many matching calls fail; 1 unless told. */
  readonly times?: number
  readonly error: Error
}

/** May wait (on a latch) or throw. */
export type Hook = (call: PeerCall) => void | Promise<void>

/** What the fakes of both peers share: a journal, failures and hooks around each call. */
export interface Calls {
  /** Every call, reads too. */
  readonly journal: readonly PeerCall[]
  /** The journal without its reads. */
  writes(): readonly PeerCall[]
  forget(): void
  fail(failure: Failure): void
  /** Runs `hook` before every call takes effect. */
  before(hook: Hook): void
  /** Runs `hook` after every call took effect, before it is answered. */
  after(hook: Hook): void
}

export interface CallLog extends Calls {
  run<T>(call: Call, entry: Omit<PeerCall, 'tenant' | 'key'>, effect: () => T): Promise<T>
  /** Slots are never short here; their order is checked as the real clients check it. */
  inSlot<T>(call: Call, work: (call: Call) => Promise<T>): Promise<T>
}

/** Asks the fence and the signal as the real clients do, then journals, fails or answers with a copy. */
export function createCallLog(target: Target): CallLog {
  const journal: PeerCall[] = []
  const failures: { failure: Failure; left: number }[] = []
  const hooks: Record<'before' | 'after', Hook[]> = { before: [], after: [] }

  const failAt = (at: 'before' | 'after', entry: PeerCall) => {
    const hit = failures.find(
      ({ failure, left }) => left > 0 && (failure.at ?? 'before') === at && (failure.when?.(entry) ?? true),
    )
    if (hit === undefined) return
    hit.left--
    throw hit.failure.error
  }

  return {
    journal,
    writes: () => journal.filter((entry) => entry.body !== undefined),
    forget() {
      journal.length = 0
    },
    fail(failure) {
      failures.push({ failure, left: failure.times ?? 1 })
    },
    before: (hook) => void hooks.before.push(hook),
    after: (hook) => void hooks.after.push(hook),
    async inSlot(call, work) {
      requireSlotOrder(call, target)
      const slot = { enter: async () => ({ end() {}, giveBack() {} }), release() {} }
      return work({ ...call, slots: { [target]: slot, ...call.slots } })
    },
    async run(call, what, effect) {
      requireSlotOrder(call, target)
      call.signal.throwIfAborted()
      call.fence()
      const { absence } = call
      const known = absence === undefined ? {} : { evidence: absence }
      const entry: PeerCall = structuredClone({ ...known, ...what, tenant: call.tenant.uid, key: call.key })
      journal.push(entry)
      for (const hook of hooks.before) await hook(entry)
      failAt('before', entry)
      const answer = structuredClone(effect())
      for (const hook of hooks.after) await hook(entry)
      failAt('after', entry)
      return answer
    },
  }
}

/** A clock that every look moves on by a second: what is written later is newer. */
export function createLogicalClock(start = '2026-01-02T00:00:00Z'): () => string {
  let ms = Date.parse(start)
  return () => {
    ms += 1000
    return new Date(ms).toISOString()
  }
}

/** A peer's records by tenant and id. */
export function createTable<Row>() {
  const rows = new Map<string, Row>()
  const of = (tenant: string, id: string) => JSON.stringify([tenant, id])
  return {
    get: (tenant: string, id: string): Row | undefined => rows.get(of(tenant, id)),
    set: (tenant: string, id: string, row: Row) => void rows.set(of(tenant, id), structuredClone(row)),
    delete: (tenant: string, id: string) => rows.delete(of(tenant, id)),
    list: (tenant: string): Row[] =>
      [...rows].filter(([key]) => (JSON.parse(key) as [string, string])[0] === tenant).map(([, row]) => row),
  }
}
