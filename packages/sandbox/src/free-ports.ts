import { createServer } from 'node:net'

/**
 * Below every system's ephemeral range. A port inside it could be taken as the local end of any outgoing connection
 * while the server behind it restarts: even a client's own reconnects to 127.0.0.1 can connect to themselves there.
 */
const FIRST = 20_000
const LAST = 31_999
const TRIES = 50
const STARTS = 5

/** Whether nobody listens on this loopback port now. */
export const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })

/** None is given twice: until its first server listens, or while that is away, it looks free. */
const given = new Set<number>()

/** Different loopback ports nobody listened on a moment ago; see `onFreePorts` for what may have happened since. */
export const freePorts = async (count: number, chance: () => number = Math.random): Promise<number[]> => {
  const ports: number[] = []
  for (let tries = 0; ports.length < count; tries++) {
    if (tries === TRIES) throw new Error(`finding free ports between ${FIRST} and ${LAST}: none after ${TRIES} tries`)
    const port = FIRST + Math.floor(chance() * (LAST - FIRST + 1))
    if (given.has(port)) continue
    given.add(port)
    if (await isFree(port)) ports.push(port)
  }
  return ports
}

/**
 * Starts a server that binds free ports of its own choice, and once more when another process was quicker: told by an
 * error whose text says that something is in use. `start` gets the number of the attempt, from 1.
 */
export const onFreePorts = async <T>(start: (attempt: number) => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(attempt)
    } catch (error) {
      if (attempt === STARTS || !/\bin use\b/.test(String(error))) throw error
    }
  }
}
