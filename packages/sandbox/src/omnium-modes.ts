import { z } from 'zod'
import { Hidden } from './hidden.ts'
import { ListModes } from './list-modes.ts'
import { OMNIUM_ROLES } from './omnium-roles.ts'
import { ValueModes } from './value-modes.ts'
import { UniqueModes } from './write-rules.ts'

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
  /**
   * The lists of a PATCH: `replace` replaces them whole, `merge` only adds, and `merge-unless-told` only adds unless the
   * request has `keepExistingListItems: false`.
   */
  patchLists: z.enum(['replace', 'merge', 'merge-unless-told']).default('replace'),
  /** Answers 400 to a PATCH with `keepExistingListItems`. */
  refuseKeepExistingListItems: z.boolean().default(false),
  ...ValueModes,
  ...UniqueModes,
  /** The id of a new customer is its e-mail address or its phone; null: as sent. */
  customerIdField: z.enum(['Email', 'Phone']).nullable().default(null),
  requiredAddressProperties: z.array(z.string()).default([]),
  /** The stores of an API user by its `clientId`; an API user that is not named has all. */
  storesOf: z.record(z.string(), z.array(z.string())).default({}),
  /** A customer or an order without a store is outside of an API user's stores. */
  requireStoreIds: z.boolean().default(false),
  missingRoles: z.array(z.enum(OMNIUM_ROLES)).default([]),
  hidden: Hidden,
  ...ListModes,
  /** A new token of an API user ends the tokens before it. */
  newestTokenOnly: z.boolean().default(false),
  /** What the token endpoint says of the lifetime: `right`, nothing (`absent`), or this value. */
  expiresIn: z.union([z.string(), z.number(), z.boolean(), z.null()]).default('right'),
})
export type OmniumModes = z.infer<typeof OmniumModes>
export type OmniumModesInput = z.input<typeof OmniumModes>
