import type { Socket } from 'node:net'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/**
 * Whether the client of a connection's first request has given it up. libuv accepts one connection in each turn of the
 * event loop: on a busy machine a request may lie in one that nobody has accepted for longer than its client waits. A peer
 * that handled it then would be later than any that we reckon with, and by no fault that was asked for.
 */
export function createGoneClient(): (socket: Socket) => Promise<boolean> {
  const known = new WeakSet<Socket>()
  return async (socket) => {
    if (known.has(socket)) return false
    known.add(socket)
    // The end of a connection is read in the turn after its data.
    await turn()
    await turn()
    return socket.destroyed || socket.readableEnded
  }
}
