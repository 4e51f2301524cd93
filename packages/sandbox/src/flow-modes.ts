import { z } from 'zod'
import { Hidden } from './hidden.ts'
import { ListModes } from './list-modes.ts'
import { ValueModes } from './value-modes.ts'
import { UniqueModes } from './write-rules.ts'

/** The roles of the integration token: customers with their contacts, and orders. */
export const FLOW_ROLES = ['get', 'list', 'write', 'get-orders', 'list-orders'] as const
export type FlowRole = (typeof FLOW_ROLES)[number]

/** How unusual Flow's stand-in is for a tenant; all of it is off by default. */
export const FlowModes = z.strictObject({
  ...ValueModes,
  ...UniqueModes,
  /** The stores whose orders the integration sees; null: all. */
  stores: z.array(z.string()).nullable().default(null),
  missingRoles: z.array(z.enum(FLOW_ROLES)).default([]),
  hidden: Hidden,
  ...ListModes,
  /** A page number above the last page is answered with the last page. */
  lastPageAgain: z.boolean().default(false),
})
export type FlowModes = z.infer<typeof FlowModes>
export type FlowModesInput = z.input<typeof FlowModes>

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The role that the route needs. */
    readonly flowRole?: FlowRole
  }
}
