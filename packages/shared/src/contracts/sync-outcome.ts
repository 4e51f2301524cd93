import { z } from 'zod'

/** What became of one record: names and versions only, never a value of the customer. */
export const SyncOutcome = z.object({
  tenant: z.string(),
  /** The id part of the record's key. */
  id: z.string(),
  service: z.string(),
  topic: z.string(),
  partition: z.int(),
  offset: z.string(),
  /** How it came back, when by the retry lane. */
  lane: z.enum(['deferred', 'redriven', 'replayed', 'verify']).nullable(),
  outcome: z.enum(['done', 'skipped', 'parked', 'deferred']),
  reason: z.string().nullable(),
  /** What was done at which target; null when nothing was. */
  operation: z.string().nullable(),
  target: z.enum(['flow', 'omnium']).nullable(),
  changed: z.array(z.string()),
  version: z.string().nullable(),
  attempts: z.int(),
  /** From the first handling to the end. */
  durationMs: z.number(),
  endedAt: z.string(),
  instance: z.string(),
  traceparent: z.string().nullable(),
})
export type SyncOutcome = z.infer<typeof SyncOutcome>
