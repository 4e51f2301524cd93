import { randomBytes, randomUUID } from 'node:crypto'

/** A new W3C traceparent, not sampled: it links the records of one change, until a tracer takes it up. */
export const newTraceparent = (): string => `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`

export const newEventId = (): string => randomUUID()
