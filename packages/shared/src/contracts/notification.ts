import { z } from 'zod'

/**
 * "Look at this object": what a webhook, a sweep, a backfill or a repair says. Thin on purpose: hydration reads the
 * object's latest state from its source.
 */
export const Notification = z.object({
  tenant: z.string(),
  /** `customer` or `order`. */
  entity: z.enum(['customer', 'order']),
  /** The object's id at its source, unchanged. */
  id: z.string(),
  /** What sent it. */
  via: z.enum(['webhook', 'events-topic', 'sweep', 'backfill', 'repair']),
  /** The peer's own word: Flow's `action`, Omnium's `category`. */
  action: z.string().nullable(),
  /** Omnium: which customer resource the event's class names; null when unknown, or not a customer. */
  kind: z.enum(['B2C', 'B2B']).nullable(),
  /** Who caused the change at the peer (Flow's tenantUser uid, Omnium's user ids); for telling echoes. */
  users: z.array(z.string()),
  /** The version that a sweep saw, so that what is already known needs no call; null when unknown. */
  version: z.string().nullable(),
  /** Made by a repair: never dropped as known, and handled even when nothing seems to differ. */
  repair: z.boolean(),
  /** When it reached us, ISO 8601. */
  receivedAt: z.string(),
})
export type Notification = z.infer<typeof Notification>
