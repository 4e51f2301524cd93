import { z } from 'zod'

export const SweepCursor = z
  .object({
    tenant: z.string().describe("The tenant's uid."),
    source: z.enum(['flow', 'omnium']).describe('The peer that was listed.'),
    entity: z.enum(['customers', 'orders', 'private-customers', 'business-customers']).describe('Which list of it.'),
    mark: z.string().describe("Records modified before it have been listed; the source's own time, ISO 8601."),
    sweptAt: z.string().describe('When that was, ISO 8601, by our clock.'),
  })
  .describe('How far a sweep has seen everything.')
export type SweepCursor = z.infer<typeof SweepCursor>
