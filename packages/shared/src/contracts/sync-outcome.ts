import { z } from 'zod'

export const SyncOutcome = z
  .object({
    tenant: z.string().describe("The tenant's uid."),
    id: z.string().describe("The id part of the record's key."),
    service: z.string().describe('The service that handled it.'),
    topic: z.string().describe('Where the record first stood, by the physical name of the topic.'),
    partition: z.int().describe('Of that topic.'),
    offset: z.string().describe('Of that partition; as text, because it may exceed what JSON readers keep exactly.'),
    lane: z
      .enum(['deferred', 'redriven', 'replayed', 'verify', 're-read'])
      .nullable()
      .describe('How it came back, when by the retry lane.'),
    outcome: z.enum(['done', 'skipped', 'parked', 'deferred']).describe('How its handling ended.'),
    reason: z.string().nullable().describe('Why it was skipped, parked or deferred; null when it was done.'),
    operation: z.string().nullable().describe('What was done, such as `created` or `updated`; null when nothing was.'),
    target: z.enum(['flow', 'omnium']).nullable().describe('Where it was done; null when nothing was done at a peer.'),
    changed: z.array(z.string()).describe("Names of the target's fields that were written, never their values."),
    version: z.string().nullable().describe("The source's version that took effect, ISO 8601."),
    unreadable: z
      .array(z.string())
      .optional()
      .describe('Names of fields and lists of either peer that could not be read, and of lists that were null.'),
    notRemoved: z
      .array(z.string())
      .optional()
      .describe('Names of lists of which the target kept an element that was removed at the source.'),
    attempts: z.int().describe('Failed attempts before the end.'),
    durationMs: z.number().describe('From the first handling to the end.'),
    endedAt: z.string().describe('When it ended, ISO 8601.'),
    instance: z.string().describe('SERVICE_INSTANCE_ID of the process that handled it.'),
    traceparent: z.string().nullable().describe("The record's W3C trace context."),
  })
  .describe('What became of one record: names and versions only, never a value of the customer.')
export type SyncOutcome = z.infer<typeof SyncOutcome>
