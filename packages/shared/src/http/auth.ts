import type { Call } from './call.ts'
import type { Layer } from './request.ts'

/** A tenant's bearer tokens at a target. */
export interface Credentials {
  token(call: Call): Promise<string>
  /** Another token than `refused`, which was answered with a 401; null when there is no other to get. */
  renew(call: Call, refused: string): Promise<string | null>
}

/**
 * Adds the token, and repeats a request once after a 401. It stands outside of the rate limit and the fence, so that
 * nobody waits for a token between the fence and the send, and the repeat is counted and fenced like the first. A 401
 * was refused before anything happened, so a write can be repeated.
 */
export const authorize =
  (credentials: Credentials): Layer =>
  (next) =>
  async (request) => {
    const withToken = (token: string) => ({
      ...request,
      headers: { ...request.headers, authorization: `Bearer ${token}` },
    })
    const token = await credentials.token(request.call)
    const answer = await next(withToken(token))
    if (answer.status !== 401) return answer
    const fresh = await credentials.renew(request.call, token)
    return fresh === null ? answer : next(withToken(fresh))
  }
