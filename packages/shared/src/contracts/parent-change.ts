import { z } from 'zod'

const tenant = z.string().describe("The tenant's uid.")
const notifiedAt = z.string().describe('When the change behind it reached us, ISO 8601.')

export const ParentObserved = z
  .object({
    type: z.literal('parent-observed'),
    tenant,
    company: z.string().describe('C, the company whose parent it is about.'),
    parent: z.string().nullable().describe('B, the parent; null when C has none.'),
    version: z.string().describe("Flow's lastModifiedAt of C, ISO 8601."),
    repair: z
      .boolean()
      .describe(
        "From a repair or the retry lane: the parent's entry may be what is wrong, so it is announced even when C agrees.",
      ),
    notifiedAt,
  })
  .describe(
    '"In Flow, company C has parent B (or none) at version v." Key C. Written by the mapper after C\'s upsert succeeded.',
  )
export type ParentObserved = z.infer<typeof ParentObserved>

export const ChildChanged = z
  .object({
    type: z.literal('child-changed'),
    tenant,
    parent: z.string().describe('P, the company whose entry is looked at: the former or the new parent.'),
    child: z.string().describe('C, the company whose parent changes.'),
    to: z.string().nullable().describe("C's new parent; null when it has none any more."),
    version: z.string().describe("Flow's lastModifiedAt of C, ISO 8601."),
    notifiedAt,
  })
  .describe('"C\'s parent becomes `to` at version v; then P\'s entry for C has to agree with C." Key P.')
export type ChildChanged = z.infer<typeof ChildChanged>

export const ElementRemoved = z
  .object({
    type: z.literal('element-removed'),
    tenant,
    company: z.string().describe('The company that still holds the element in Omnium.'),
    list: z.enum(['contacts', 'addresses']).describe('The list of the company that holds the element.'),
    id: z.string().describe('The id of the element: `id` of a contact, `externalId` of an address.'),
    notifiedAt,
  })
  .describe(
    '"The element was removed in Flow, and Omnium has kept it." Key: the company. Written by the mapper, because only the ' +
      'relation-manager sends an Update of the whole company.',
  )
export type ElementRemoved = z.infer<typeof ElementRemoved>

export const ParentChange = z.discriminatedUnion('type', [ParentObserved, ChildChanged, ElementRemoved])
export type ParentChange = z.infer<typeof ParentChange>
