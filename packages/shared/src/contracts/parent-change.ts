import { z } from 'zod'

/** "In Flow, company C has parent B (or none) at version v." Key C. Written by the mapper after C's upsert succeeded. */
export const ParentObserved = z.object({
  type: z.literal('parent-observed'),
  tenant: z.string(),
  company: z.string(),
  parent: z.string().nullable(),
  /** Flow's lastModifiedAt of C, ISO 8601. */
  version: z.string(),
  /** From a repair or the retry lane: the parent's entry may be what is wrong, so it is announced even when C agrees. */
  repair: z.boolean(),
  /** When the change behind it reached us, ISO 8601. */
  notifiedAt: z.string(),
})
export type ParentObserved = z.infer<typeof ParentObserved>

/** "C's parent becomes `to` at version v; then P's entry for C has to agree with C." Key P. */
export const ChildChanged = z.object({
  type: z.literal('child-changed'),
  tenant: z.string(),
  /** P, the company whose entry is looked at: the former or the new parent. */
  parent: z.string(),
  child: z.string(),
  to: z.string().nullable(),
  version: z.string(),
  notifiedAt: z.string(),
})
export type ChildChanged = z.infer<typeof ChildChanged>

export const ParentChange = z.discriminatedUnion('type', [ParentObserved, ChildChanged])
export type ParentChange = z.infer<typeof ParentChange>
