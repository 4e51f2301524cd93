import { codeOfStatus, SyncError } from '../errors.ts'
import type { Call } from '../http/call.ts'
import { copyOf } from '../http/request.ts'
import type { Route } from './route.ts'

/** What a control read asks of a target. */
export interface RoutePorts {
  /** The ids on one page of the list of this kind, a single item long and counted from 0. null: the target has no such list. */
  list(call: Call, route: Route, page: number): Promise<readonly string[] | null>
  /** A by-id read; false when it is answered "not found". */
  exists(call: Call, route: Route, id: string): Promise<boolean>
}

/** What is known of ids before the control read. */
export interface ControlIds {
  /** Ids that were read by this route lately: needed where the list names none, or only ids that do not exist any more. */
  readonly remembered: readonly string[]
  /** Whether a read of this id was answered "not found" just now, so that it may have been deleted just now. */
  readonly isDoubtful: (id: string) => boolean
}

/**
 * - `confirmed`: the route works, so that its "not found" answers can be trusted
 * - `refused`: our API user may not make this read, so that nothing is known
 * - `no-id`: no id is known that a control read could read
 * - `path-refused`: the list works. Each id that could be read needs an encoded path, and no read of these ids succeeded. A server in
 *   front of the peer may refuse such paths, so that nothing is known of the route
 */
export type Control = 'confirmed' | 'refused' | 'no-id' | 'path-refused'

/** A list that names only ids that do not exist any more is not read to its end. */
const MAX_PAGES = 5
const MAX_READS = 4

/**
 * Reads an id that exists by the route. Throws SyncError when the route does not work; `blame` is `route` when several ids
 * that the list names were answered "not found".
 */
export async function controlRead(call: Call, route: Route, ports: RoutePorts, ids: ControlIds): Promise<Control> {
  const chosen = chooseIds(call, route, ports, ids)
  const missing = new Set<string>()
  for (;;) {
    const next = await chosen.next().catch(rethrowAsFailure)
    if (next.done) return endWithout(next.value, missing, call, route)
    const exists = await ports.exists(call, route, next.value).catch((error) => readOfFailure(error, next.value))
    if (exists === 'refused') return 'refused'
    if (exists) return 'confirmed'
    missing.add(next.value)
    if (missing.size >= MAX_READS) return endWithout('no-id', missing, call, route)
  }
}

/** Yields the ids in the order in which they are worth a read, each once. Returns what holds if none of them exists. */
async function* chooseIds(
  call: Call,
  route: Route,
  ports: RoutePorts,
  { remembered, isDoubtful }: ControlIds,
): AsyncGenerator<string, Control> {
  const last: string[] = []
  let end: Control = 'no-id'
  for (let page = 0; page < MAX_PAGES; page++) {
    const listed = await ports.list(call, route, page).catch((error: unknown) => {
      if (!isRefusal(error)) throw error
      end = 'refused'
      return null
    })
    if (listed === null || listed.length === 0) {
      if (listed !== null && page === 0) return 'confirmed'
      break
    }
    for (const id of listed) {
      if (id === '') continue
      if (isDoubtful(id) || isEncoded(id)) last.push(id)
      else yield id
    }
  }
  yield* remembered
  yield* last
  return end
}

/**
 * Whether the id is not the same text in a path. A server in front of the peer may refuse such a path, so that a read of it
 * says nothing about the route.
 */
export const isEncoded = (id: string): boolean => !/^[\w.~!*'()-]+$/.test(id) || id === '.' || id === '..'

function endWithout(end: Control, missing: ReadonlySet<string>, call: Call, route: Route): Control {
  if (missing.size === 0) return end
  if (end === 'no-id' && [...missing].every(isEncoded)) return 'path-refused'
  const message = `reading the route '${route}': ids that exist are answered "not found"`
  const blame = missing.size > 1 ? ({ blame: 'route' } as const) : {}
  throw new SyncError('target-failed', message, { tenant: call.tenant.uid, status: 404, ...blame })
}

/** What a read that failed says of its id, if the failure is not the route's. */
function readOfFailure(error: unknown, id: string): boolean | 'refused' {
  if (error instanceof SyncError && error.code === 'html-response' && isEncoded(id)) return false
  if (isRefusal(error)) return 'refused'
  if (!(error instanceof SyncError)) throw error
  // The peer answered with this id, and with something in it that cannot be read.
  if (error.code === 'target-answer-invalid' && error.status !== undefined) return true
  if (error.code === 'identity-mismatch') return false
  return rethrowAsFailure(error)
}

const isRefusal = (error: unknown): boolean =>
  error instanceof SyncError &&
  (error.code === 'role-missing' || error.status === 403 || (error.code === 'target-refused' && !isNotFound(error)))

const isNotFound = ({ status }: SyncError): boolean => status === 404 || status === 410

/** A list that is "not found" is a failure of the target, never a refusal of the record that waits for the control read. */
function rethrowAsFailure(error: unknown): never {
  if (error instanceof SyncError && isNotFound(error) && error.code === codeOfStatus(404)) {
    throw copyOf(error, 'target-failed')
  }
  throw error
}
