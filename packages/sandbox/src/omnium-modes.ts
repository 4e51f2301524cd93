import { z } from 'zod'

const Limits = z.strictObject({
  perApiUser: z.int().positive().default(20),
  perTenant: z.int().positive().default(40),
  batches: z.int().positive().default(4),
  bucket: z.int().positive().default(12_000),
  gain: z.int().positive().default(1_000),
  gainEveryMs: z.int().positive().default(10_000),
})

/** How strict and how unusual Omnium's stand-in is for a tenant. The defaults of the first block are on. */
export const OmniumModes = z.strictObject({
  /** The documented limits; null: none. */
  limits: Limits.nullable().prefault({}),
  /** Counts a field that the documented model of its request lacks as a defect. */
  countDefects: z.boolean().default(true),
  /** How long a write of a customer takes. */
  writeMs: z.int().nonnegative().default(5),
  /** Answers 409 to a write that begins while another write of the customer is being handled. */
  writeConflicts: z.boolean().default(true),
  /** The longest time after which `Search`, `Scroll` and `GetAll` show a write. */
  searchLagMs: z.int().nonnegative().default(1_000),
  /** Draws the lag of each write from 0 to `searchLagMs`; null: each lag is `searchLagMs`. */
  searchLagSeed: z.int().nullable().default(1),

  /** Each page of a scroll has another id for the next page; the id before is closed. */
  scrollIdChanges: z.boolean().default(false),
})
export type OmniumModes = z.infer<typeof OmniumModes>
export type OmniumModesInput = z.input<typeof OmniumModes>
