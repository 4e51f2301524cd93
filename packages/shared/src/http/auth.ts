import type { Call } from './call.ts'
import type { Layer } from './request.ts'

/** A tenant's access tokens at a target. */
export interface Credentials {
  /** Resolves when there is an access token. Throws SyncError when there is none to get now. */
  token(call: Call): Promise<string>
  /** The newest access token, for a request that is sent right now; null when there is none. */
  current(call: Call): string | null
  /** The target accepted a request with this access token. */
  accepted(call: Call, token: string): void
  /**
   * The target answered 401 to this access token. Resolves with another one, or with null when the refusal stands: there is
   * no other token to get, or fresh ones are refused again and again. Throws SyncError, such as `token-unavailable` when
   * the next token may not be fetched yet.
   */
  renew(call: Call, refused: string): Promise<string | null>
  /** The same for the repeat of a request. Throws SyncError `token-unavailable`, unless the refusal stands. */
  refused(call: Call, token: string): void
}

/**
 * Adds the access token, and repeats a request once after a 401. A 401 was refused before anything happened, so a write can
 * be repeated. The layer stands outside of `inTurn` and the fence, so that nobody waits for a token between the fence and
 * the send, and the repeat is counted and fenced like the first. Inside of `inTurn`, in the same turn of the event loop as
 * the send, a request gets the newest token: a request that waited behind others would be refused with an older one.
 */
export const authorize =
  (credentials: Credentials, inTurn: Layer): Layer =>
  (next) =>
  async (request) => {
    const { call } = request
    let used = await credentials.token(call)
    const send = inTurn((turn) => {
      used = credentials.current(call) ?? used
      return next({ ...turn, headers: { ...turn.headers, authorization: `Bearer ${used}` } })
    })
    const first = await send(request)
    if (first.status !== 401) {
      if (first.status < 500) credentials.accepted(call, used)
      return first
    }
    const fresh = await credentials.renew(call, used)
    if (fresh === null) return first
    used = fresh
    const second = await send(request)
    if (second.status === 401) credentials.refused(call, used)
    else if (second.status < 500) credentials.accepted(call, used)
    return second
  }
