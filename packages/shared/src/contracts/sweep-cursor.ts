import { z } from 'zod'

/** What an absence guard has as its `entity`. */
export const ABSENCE_GUARD = 'absence-guard'
/** What the state of a target, as one process sees the target, has as its `entity`. */
export const TARGET_STATE = 'target-state'
const SWEPT = ['customers', 'orders', 'private-customers', 'business-customers'] as const

export const SyncCursor = z
  .object({
    tenant: z.string().describe("The tenant's uid."),
    source: z.enum(['flow', 'omnium']).describe('The peer that was listed, or that the absence guard is about.'),
    entity: z
      .enum([...SWEPT, ABSENCE_GUARD, TARGET_STATE])
      .describe(
        'Which list of it; `absence-guard`: the state of the absence guard; `target-state`: how a process sees the target.',
      ),
    mark: z
      .string()
      .describe(
        "Records modified before it have been listed; the source's own time, ISO 8601. Of an absence guard: `tripped` or `released`. Of a target: the state of its circuit.",
      ),
    sweptAt: z.string().describe('When that was, ISO 8601, by our clock.'),
    missing: z
      .int()
      .optional()
      .describe('What tripped the guard: known ids that were answered "not found" within 10 minutes.'),
    process: z.string().optional().describe('The service and the instance that see the target so.'),
    cause: z.string().optional().describe('Why the circuit of the target is not closed.'),
    requests: z.int().optional().describe('Answered requests of the process to the target within the last hour.'),
    throttled: z.int().optional().describe('Those of them that were answered 429.'),
    reads: z.int().optional().describe('All reads by id of the tenant within the same time.'),
  })
  .describe('How far a sweep has seen everything, or whether an absence guard is tripped.')
export type SyncCursor = z.infer<typeof SyncCursor>

/** How far a sweep has seen everything. */
export type SweepCursor = SyncCursor & { readonly entity: (typeof SWEPT)[number] }

export const isSweepCursor = (cursor: SyncCursor): cursor is SweepCursor =>
  cursor.entity !== ABSENCE_GUARD && cursor.entity !== TARGET_STATE
