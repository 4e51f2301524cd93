import { z } from 'zod'

/** What an absence guard has as its `entity`. */
export const ABSENCE_GUARD = 'absence-guard'
const SWEPT = ['customers', 'orders', 'private-customers', 'business-customers'] as const

export const SyncCursor = z
  .object({
    tenant: z.string().describe("The tenant's uid."),
    source: z.enum(['flow', 'omnium']).describe('The peer that was listed, or that the absence guard is about.'),
    entity: z
      .enum([...SWEPT, ABSENCE_GUARD])
      .describe('Which list of it; `absence-guard`: the state of the absence guard.'),
    mark: z
      .string()
      .describe(
        "Records modified before it have been listed; the source's own time, ISO 8601. Of an absence guard: `tripped` or `released`.",
      ),
    sweptAt: z.string().describe('When that was, ISO 8601, by our clock.'),
    missing: z
      .int()
      .optional()
      .describe('What tripped the guard: known ids that were answered "not found" within 10 minutes.'),
    reads: z.int().optional().describe('All reads by id of the tenant within the same time.'),
  })
  .describe('How far a sweep has seen everything, or whether an absence guard is tripped.')
export type SyncCursor = z.infer<typeof SyncCursor>

/** How far a sweep has seen everything. */
export type SweepCursor = SyncCursor & { readonly entity: (typeof SWEPT)[number] }

export const isSweepCursor = (cursor: SyncCursor): cursor is SweepCursor => cursor.entity !== ABSENCE_GUARD
