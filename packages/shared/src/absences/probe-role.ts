import { SyncError } from '../errors.ts'
import type { Call } from '../http/call.ts'
import { withoutRole } from '../without-role.ts'
import type { RoutePorts } from './control-read.ts'
import type { Route } from './route.ts'

/** An id that no tenant uses. A peer checks the roles of an API user before it looks for an id. */
const NOBODY = 'sync-nobody'
const MAX_LISTED = 2

/** A peer's own 403, and not the HTML response of a firewall. */
export const isForbidden = (error: unknown): error is SyncError =>
  error instanceof SyncError && error.code === 'target-unauthorized' && error.status === 403

/**
 * Whether the peer answers 403 to each by-id read of the route, because our API user lacks a role. Any other answer of the peer
 * shows that our API user has the role, so that a 403 was about one customer or order alone, for example because of a store.
 * `remembered` has ids that were read by this route lately. Throws SyncError if a read is not answered by the peer.
 */
export async function isRoleMissing(
  call: Call,
  route: Route,
  ports: RoutePorts,
  remembered: readonly string[],
): Promise<boolean> {
  for (const id of [NOBODY, ...remembered]) {
    if (!(await isReadForbidden(call, route, ports, id))) return false
  }
  for (let page = 0; page < MAX_LISTED; page++) {
    const ids = await ports.list(call, route, page).catch(withoutRole(null))
    if (ids === null || ids.length === 0) break
    for (const id of ids) if (id !== '' && !(await isReadForbidden(call, route, ports, id))) return false
  }
  return true
}

async function isReadForbidden(call: Call, route: Route, ports: RoutePorts, id: string): Promise<boolean> {
  try {
    await ports.exists(call, route, id)
    return false
  } catch (error) {
    if (isForbidden(error)) return true
    if (isAnswerAboutId(error)) return false
    throw error
  }
}

const isAnswerAboutId = (error: unknown): boolean =>
  error instanceof SyncError &&
  (error.code === 'identity-mismatch' ||
    error.code === 'target-refused' ||
    (error.code === 'target-answer-invalid' && error.status !== undefined))
