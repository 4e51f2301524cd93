import type { FastifyInstance } from 'fastify'
import { endInTime } from './end-in-time.ts'
import type { Logger } from './logger.ts'

/** Something that is started and stopped with the service. */
export interface Part {
  readonly name: string
  start(): Promise<void>
  /** Idempotent; also called on a part whose start failed half-way. */
  stop(): Promise<void>
}

/** Starts parts in order and stops them in reverse; a failed start stops what was started. */
export const compose = (parts: readonly Part[]): Part =>
  grouped('service', parts, async (started, stop) => {
    for (const part of started.reverse()) await stop(part)
  })

/** Parts that don't need each other: started in order, stopped all at once, and waited for no longer than `endInTime` does. */
export const together = (name: string, parts: readonly Part[]): Part =>
  grouped(name, parts, (started, stop) => endInTime(Promise.all(started.map(stop))))

function grouped(
  name: string,
  parts: readonly Part[],
  stopAll: (started: Part[], stop: (part: Part) => Promise<void>) => Promise<unknown>,
): Part {
  let started: Part[] = []
  let isStopped = false
  return {
    name,
    async start() {
      for (const part of parts) {
        // What it waited for may have come after a stop.
        if (isStopped) return
        started.push(part)
        await part.start()
      }
    },
    async stop() {
      isStopped = true
      const those = started
      started = []
      const failures: unknown[] = []
      await stopAll(those, (part) => part.stop().catch((error: unknown) => void failures.push(error)))
      if (failures.length > 0) throw new AggregateError(failures, 'stopping failed')
    },
  }
}

/** Requests that come after a stop has begun are answered at once; those before it have had all its time. */
const CLOSE_WITHIN_MS = 1_000

/** A fastify app as a part. Port 0 takes a free one, which the log tells. */
export function listening(name: string, app: FastifyInstance, host: string, port: number, logger: Logger): Part {
  return {
    name,
    async start() {
      const address = await app.listen({ host, port })
      logger.info({ port: Number(new URL(address).port) }, `${name} listens`)
    },
    async stop() {
      const closing = app.close()
      // Else one who never gets to the end of a request could hold it up for ever: nobody looks at its timeout any more.
      if (!(await endInTime(closing, CLOSE_WITHIN_MS))) app.server.closeAllConnections()
      await closing
    },
  }
}
