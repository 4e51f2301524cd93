import { patience, runs } from '@sync/shared/testing/runs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { address, contact, given, idsIn, settle } from './testing/company-lists.ts'

const ids = (names: readonly string[]) => fc.uniqueArray(fc.constantFrom(...names), { maxLength: names.length })
const city = fc.constantFrom('Oslo', 'Bergen', null)
/** What the till makes of a company: which contacts and addresses it has, and one field of each. */
const edit = fc.record({
  contacts: ids(['c1', 'c2', 'c3']).chain((names) =>
    fc.tuple(...names.map((id) => city.map((lastname) => contact(id, { lastname })))),
  ),
  addresses: ids(['a1', 'a2', 'a3']).chain((names) =>
    fc.tuple(...names.map((id) => city.map((town) => address(id, { city: town })))),
  ),
})
const scenario = fc.record({
  patchLists: fc.constantFrom('replace' as const, 'merge' as const, 'merge-unless-told' as const),
  listRemoval: fc.constantFrom('patch', 'update'),
  edits: fc.array(edit, { minLength: 1, maxLength: 4 }),
  isEachAwaited: fc.boolean(),
})

test(
  'whatever is edited at the till, Omnium has what Flow has and what others added, after a bounded number of writes',
  patience,
  async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ patchLists, listRemoval, edits, isEachAwaited }) => {
        const { omnium } = (await given()).tenant
        const world = await given({ omnium: { ...omnium, listRemoval } }, { omnium: { patchLists } })

        for (const lists of edits) {
          world.flow.edit('2000', lists)
          if (isEachAwaited) await settle(world)
          else await world.fromFlow('2000')
        }
        await settle(world)
        await settle(world, { lane: 're-read' })
        const writes = world.omnium.writes().length
        world.forget()
        await settle(world)

        const { contacts = [], addresses = [] } = edits.at(-1)!
        const company = world.omnium.customer('B2B', '2000')!
        expect(idsIn(world).contacts.toSorted()).toEqual(
          [...contacts.map((it) => it.customerContactUid), 'web'].toSorted(),
        )
        expect(idsIn(world).addresses.toSorted()).toEqual(
          [...addresses.map((it) => it.customerAddressUid), 'web'].toSorted(),
        )
        for (const { customerAddressUid: id, ...fields } of addresses as {
          customerAddressUid: string
          city?: string | null
        }[]) {
          expect(company.addresses?.find(({ externalId }) => externalId === id)?.city ?? null).toBe(fields.city)
        }
        expect(writes).toBeLessThanOrEqual(10 * (edits.length + 1))
        expect(world.omnium.writes()).toEqual([])
      }),
      runs(200),
    )
  },
)
