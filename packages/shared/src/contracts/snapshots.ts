import { z } from 'zod'

/** A peer's record exactly as it answered it, unknown fields kept. */
const Raw = z.record(z.string(), z.unknown())

const envelope = {
  tenant: z.string(),
  /** The record's id at its source. */
  id: z.string(),
  /** The source's own modification time, ISO 8601; null when it names none. */
  version: z.string().nullable(),
  /** When it was read, ISO 8601, by our clock. */
  fetchedAt: z.string(),
  /** When the change behind it reached us (the notification's receivedAt), ISO 8601. */
  notifiedAt: z.string(),
  /** Inherited from the notification. */
  repair: z.boolean(),
}

export const FlowCustomerSnapshot = z.object({ ...envelope, customer: Raw })
export type FlowCustomerSnapshot = z.infer<typeof FlowCustomerSnapshot>

export const FlowOrderSnapshot = z.object({ ...envelope, order: Raw })
export type FlowOrderSnapshot = z.infer<typeof FlowOrderSnapshot>

export const OmniumOrderSnapshot = z.object({ ...envelope, order: Raw })
export type OmniumOrderSnapshot = z.infer<typeof OmniumOrderSnapshot>

export const OmniumCustomerSnapshot = z.object({ ...envelope, kind: z.enum(['B2C', 'B2B']), customer: Raw })
export type OmniumCustomerSnapshot = z.infer<typeof OmniumCustomerSnapshot>
