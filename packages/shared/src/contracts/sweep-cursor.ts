import { z } from 'zod'

/** How far a sweep has seen everything: records modified before `mark` (ISO 8601) have been listed. */
export const SweepCursor = z.object({
  tenant: z.string(),
  source: z.enum(['flow', 'omnium']),
  entity: z.enum(['customers', 'orders', 'private-customers', 'business-customers']),
  mark: z.string(),
  sweptAt: z.string(),
})
export type SweepCursor = z.infer<typeof SweepCursor>
