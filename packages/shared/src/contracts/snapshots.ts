import { z } from 'zod'

const Raw = z
  .record(z.string(), z.unknown())
  .describe("The peer's record exactly as it answered it, unknown fields kept.")

const envelope = {
  tenant: z.string().describe("The tenant's uid."),
  id: z.string().describe("The record's id at its source."),
  version: z.string().nullable().describe("The source's own modification time, ISO 8601; null when it names none."),
  fetchedAt: z.string().describe('When it was read, ISO 8601, by our clock.'),
  notifiedAt: z.string().describe("When the change behind it reached us (the notification's receivedAt), ISO 8601."),
  repair: z.boolean().describe('Inherited from the notification: made by a repair.'),
}

export const FlowCustomerSnapshot = z
  .object({ ...envelope, customer: Raw })
  .describe('A customer as Flow answered it: the newest of a key is the last one on the topic.')
export type FlowCustomerSnapshot = z.infer<typeof FlowCustomerSnapshot>

export const FlowOrderSnapshot = z.object({ ...envelope, order: Raw }).describe('An order as Flow answered it.')
export type FlowOrderSnapshot = z.infer<typeof FlowOrderSnapshot>

export const OmniumOrderSnapshot = z.object({ ...envelope, order: Raw }).describe('An order as Omnium answered it.')
export type OmniumOrderSnapshot = z.infer<typeof OmniumOrderSnapshot>

export const OmniumCustomerSnapshot = z
  .object({
    ...envelope,
    kind: z.enum(['B2C', 'B2B']).describe('The customer resource that it was read from.'),
    customer: Raw,
  })
  .describe('A customer as Omnium answered it: the newest of a key is the last one on the topic.')
export type OmniumCustomerSnapshot = z.infer<typeof OmniumCustomerSnapshot>
