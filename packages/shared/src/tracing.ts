import { randomUUID } from 'node:crypto'

/** A new W3C traceparent, not sampled: it links the records of one change, until a tracer takes it up. */
export const newTraceparent = (): string => `00-${hex(randomUUID())}-${hex(randomUUID()).slice(16)}-00`

/** UUIDs are drawn from a pool; asking for random bytes each time costs thirty times as much. */
const hex = (uuid: string) => uuid.replaceAll('-', '')

export const newEventId = (): string => randomUUID()
