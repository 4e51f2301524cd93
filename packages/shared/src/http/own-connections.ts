/** So many requests to an origin get a connection each, after a connection was closed under a request. */
export const OWN_CONNECTIONS = 100

export interface OwnConnections {
  /** Whether the request to this origin that is sent now gets a connection of its own. */
  take(origin: string): boolean
  /** The peer closed a connection under a request, before any byte of an answer. */
  closedUnder(origin: string): void
}

/**
 * A peer, or a proxy in front of it, may close a kept connection at the moment when we send a request on it. That request has
 * failed, because the peer may have handled it, and is never repeated here. But the next request of the same record must not
 * meet the same end, or the record would use up its attempts at a healthy peer. A connection that carries one request alone
 * cannot be closed so. After some requests, connections are kept again, because each new one costs its handshakes.
 */
export function createOwnConnections(): OwnConnections {
  const left = new Map<string, number>()
  return {
    take(origin) {
      const count = left.get(origin)
      if (count === undefined) return false
      if (count > 1) left.set(origin, count - 1)
      else left.delete(origin)
      return true
    },
    closedUnder: (origin) => void left.set(origin, OWN_CONNECTIONS),
  }
}
