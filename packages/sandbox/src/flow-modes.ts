import { z } from 'zod'

/** How unusual Flow's stand-in is for a tenant. */
export const FlowModes = z.strictObject({})
export type FlowModes = z.infer<typeof FlowModes>
export type FlowModesInput = z.input<typeof FlowModes>
