import { LRUCache } from 'lru-cache'
import { SyncError, type Target } from '../errors.ts'
import type { Call } from '../http/call.ts'
import type { Circuits } from '../http/circuits.ts'
import { keyOf } from '../kafka/publisher.ts'
import type { AbsenceGuards } from './absence-guards.ts'
import type { AbsentIds } from './absent-ids.ts'
import { isEncoded } from './control-read.ts'
import type { ControlReads } from './control-reads.ts'
import { decideProof, waitOfDisagreement } from './decide-proof.ts'
import type { AbsenceEvidence } from './evidence.ts'
import type { Route } from './route.ts'

/** When the answers of one target's by-id reads and writes are believed. See design/4-peers.md, "Not found". */
export interface Belief {
  /** A by-id read found the id. */
  found(call: Call, route: Route, id: string): void
  /** A create of these ids succeeded. */
  created(call: Call, route: Route, ids: readonly string[]): void
  /**
   * A by-id read was answered "not found". Resolves when that may be acted on where nothing is destroyed; so the circuit's
   * `guard` must enclose the read and this call. Throws SyncError when the route does not work, `absence-guard`, `aborted`.
   */
  missed(call: Call, route: Route, id: string): Promise<void>
  /** An HTML response came in the place of an id's answer. Says of `error` whose failure it is, or throws as a control read. */
  blocked(call: Call, route: Route, id: string, error: SyncError): Promise<void>
  /**
   * Sends a write of an id and reads the id when the write is answered "not found". Throws SyncError `target-failed` when
   * the read finds the id, because the target's writes do not work then.
   */
  write<T extends string>(
    call: Call,
    route: Route,
    id: string,
    send: () => Promise<T>,
    read: () => Promise<unknown>,
  ): Promise<T>
  /** See `OmniumClient.proveAbsent`. `isFound`: whether `Search` finds the id, where the target can search by id. */
  prove(
    call: Call,
    route: Route,
    id: string,
    evidence: AbsenceEvidence,
    isFound: (() => Promise<boolean>) | null,
  ): Promise<void>
}

export interface BeliefOptions {
  readonly target: Target
  readonly circuits: Pick<Circuits, 'guard'>
  readonly controls: ControlReads
  readonly absent: AbsentIds
  readonly guards: AbsenceGuards
  readonly now: () => number
}

const MAX_KNOWN_IDS = 50_000
const MAX_FAILED_WRITES = 10_000
/** The writes of a target do not work for so long before a record that meets that counts its failures. */
const WRITES_DOWN_MS = 3_600_000
const LEAST_WAIT_MS = 250
/**
 * An outage may have begun since a control read. An HTML response, and a "not found" answer about an id that existed, are
 * judged by a control read that is hardly older.
 */
const FRESH_MS = 1_000

export const nameOfId = ({ tenant }: { readonly tenant: { readonly uid: string } }, route: Route, id: string): string =>
  `${route} ${keyOf(tenant.uid, id)}`

export function createBelief({ target, circuits, controls, absent, guards, now }: BeliefOptions): Belief {
  const known = new LRUCache<string, true>({ max: MAX_KNOWN_IDS })
  const explained = new LRUCache<string, true>({ max: MAX_KNOWN_IDS })
  const writesFailSince = new LRUCache<string, number>({ max: MAX_FAILED_WRITES })

  const exists = (call: Call, route: Route, id: string) => {
    const name = nameOfId(call, route, id)
    known.set(name, true)
    explained.delete(name)
    absent.found(name)
    guards.noteExplained(call.tenant.uid, target, id)
  }
  /** Counts a believed "not found" answer for the absence guard, and throws `absence-guard` while the guard is tripped. */
  const weigh = async (
    call: Call,
    route: Route,
    id: string,
    evidence: AbsenceEvidence,
    confirm: () => Promise<unknown>,
  ) => {
    const name = nameOfId(call, route, id)
    const { uid } = call.tenant
    if (evidence.deleteEvent === true) {
      explained.set(name, true)
      guards.noteExplained(uid, target, id)
    } else if (!explained.has(name) && isKnown(name, evidence)) {
      // By id alone: a customer is looked for as both kinds.
      if (guards.noteMissing(uid, target, id)) {
        // An outage that began after the last control read must not trip the guard, because only a person releases the guard.
        await confirm()
        guards.trip(uid, target)
      }
    }
    guards.require(uid, target)
  }
  const isKnown = (name: string, evidence: AbsenceEvidence) => evidence.known === true || known.has(name)
  const failure = (call: Call, code: ConstructorParameters<typeof SyncError>[0], why: string, retryAfterMs?: number) =>
    new SyncError(code, `proving an absence in ${target}: ${why}`, {
      target,
      tenant: call.tenant.uid,
      ...(retryAfterMs !== undefined && { retryAfterMs: Math.max(LEAST_WAIT_MS, retryAfterMs) }),
    })

  return {
    found(call, route, id) {
      guards.noteRead(call.tenant.uid, target)
      controls.noteFound(call.tenant.uid, route, id)
      exists(call, route, id)
    },
    created(call, route, ids) {
      for (const id of ids) exists(call, route, id)
    },
    async missed(call, route, id) {
      const name = nameOfId(call, route, id)
      const evidence = call.absence ?? {}
      guards.require(call.tenant.uid, target)
      // Only what is proven needs no control read. An answer that was believed by a control read of up to 10 s before may be the
      // first one of an outage, and the second one must not be believed for it.
      if (absent.missed(name).provenUntil <= now()) {
        const control = await controls.confirm(call, route, isKnown(name, evidence) ? FRESH_MS : undefined)
        absent.confirmed(name, control)
      }
      guards.noteRead(call.tenant.uid, target)
      await weigh(call, route, id, evidence, () => controls.confirm(call, route, 0))
    },
    async blocked(call, route, id, error) {
      const control = await controls.confirm(call, route, FRESH_MS)
      if (control === 'confirmed' || (control === 'path-refused' && isEncoded(id))) error.blame = 'record'
    },
    async write(call, route, id, send, read) {
      const name = nameOfId(call, route, id)
      const sendAndRead = async () => {
        const result = await send()
        if (result !== 'not-found' || (await read()) === null) return result
        const message = `writing to ${target}: answered "not found", while a read finds the id`
        const since = writesFailSince.get(name) ?? now()
        writesFailSince.set(name, since)
        // This read has shown that the record is not to blame, whatever other records show.
        const blame = now() - since < WRITES_DOWN_MS ? ({ blame: 'route' } as const) : {}
        throw new SyncError('target-failed', message, { target, tenant: call.tenant.uid, status: 404, ...blame })
      }
      const result = await circuits.guard(call, target, true, sendAndRead, route)
      if (result !== 'not-found') exists(call, route, id)
      writesFailSince.delete(name)
      return result
    },
    async prove(call, route, id, evidence, isFound) {
      const name = nameOfId(call, route, id)
      const confirm = () => circuits.guard(call, target, false, () => controls.confirm(call, route, 0), route)
      await weigh(call, route, id, { ...call.absence, ...evidence }, confirm)
      const proof = decideProof(absent.get(name), evidence, now())
      if (proof.is === 'proven') return
      if (proof.is === 'unconfirmed') throw failure(call, 'absence-unconfirmed', 'a read that confirms it is refused')
      if (proof.is === 'wait') {
        throw failure(call, 'absence-pending', 'it is read again', proof.afterMs)
      }
      const isInSearch = await (isFound?.() ?? Promise.resolve(false)).catch((error: unknown) => {
        if (!(error instanceof SyncError) || error.code !== 'role-missing') throw error
        throw failure(call, 'absence-unconfirmed', 'Search is refused')
      })
      if (!isInSearch) return absent.proven(name)
      const waitMs = waitOfDisagreement(absent.disagreed(name), now())
      if (waitMs !== null) throw failure(call, 'reads-disagree', 'Search finds the id', waitMs)
      throw failure(call, 'inconsistent-reads', 'Search has found the id for an hour')
    },
  }
}
