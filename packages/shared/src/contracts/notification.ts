import { z } from 'zod'

export const Notification = z
  .object({
    tenant: z.string().describe("The tenant's uid."),
    entity: z.enum(['customer', 'order']).describe('What to look at.'),
    id: z.string().describe("The object's id at its source, unchanged."),
    via: z.enum(['webhook', 'events-topic', 'sweep', 'backfill', 'repair']).describe('What sent it.'),
    action: z.string().nullable().describe("The peer's own word: Flow's `action`, Omnium's `category`."),
    kind: z
      .enum(['B2C', 'B2B'])
      .nullable()
      .describe("Omnium: which customer resource the event's class names; null when unknown, or not a customer."),
    users: z
      .array(z.string())
      .describe("Who caused the change at the peer (Flow's tenantUser uid, Omnium's user ids); for telling echoes."),
    version: z
      .string()
      .nullable()
      .describe('The version that a sweep saw, so that what is already known needs no call; null when unknown.'),
    repair: z
      .boolean()
      .describe('Made by a repair: never dropped as known, and handled even when nothing seems to differ.'),
    receivedAt: z.string().describe('When it reached us, ISO 8601.'),
  })
  .describe(
    '"Look at this object": what a webhook, a sweep, a backfill or a repair says. Thin on purpose: hydration reads the ' +
      "object's latest state from its source.",
  )
export type Notification = z.infer<typeof Notification>
