import type { Outcome } from '@sync/shared/outcome'
import { aCompany, type DeliveryFields } from '@sync/shared/testing/builders'
import { expect } from 'vitest'
import { createWorld, type PeerModes } from './world.ts'

export type World = ReturnType<typeof createWorld>

export const PHONE = '+4700000001'
export const contact = (id: string, fields = {}) => ({ customerContactUid: id, firstname: id, ...fields })
export const address = (id: string, fields = {}) => ({ customerAddressUid: id, address: `${id} street`, ...fields })
const FOREIGN = {
  contact: { id: 'web', firstName: 'Web', phone: PHONE },
  address: { externalId: 'web', line1: 'Web 1' },
}

/** A company of two contacts and two addresses in both peers, and one of each that somebody else added in Omnium. */
export async function given(tenant: Record<string, unknown> = {}, modes: PeerModes = {}) {
  const world = createWorld(tenant, modes)
  world.flow.put(
    aCompany({
      companyName: 'A',
      externalId: '2000',
      contacts: [contact('c1', { mobile: PHONE }), contact('c2', { mobile: PHONE })],
      addresses: [address('a1'), address('a2')],
    }),
  )
  await world.fromFlow('2000')
  const { contacts, addresses } = world.omnium.customer('B2B', '2000')!
  world.omnium.put('B2B', {
    ...world.omnium.customer('B2B', '2000'),
    contacts: [...contacts!, FOREIGN.contact],
    addresses: [...addresses!, FOREIGN.address],
  })
  world.forget()
  return world
}

/** Handles the record until it ends, with its waits; and does what the relation-manager does about what it is asked. */
export async function settle(world: World, fields: DeliveryFields = {}, update = removeInOmnium): Promise<Outcome> {
  let waitedMs = 0
  for (let tries = 0; tries < 10; tries++) {
    const outcome = await world.fromFlow('2000', undefined, fields)
    if (outcome.kind === 'retry') {
      expect(outcome.reason).toBe('removal-pending')
      world.pass(outcome.afterMs ?? 0)
      waitedMs += outcome.afterMs ?? 0
      continue
    }
    expect(waitedMs).toBeLessThan(20_000)
    const asked = world.publisher
      .values('company.parent-changes.v1')
      .filter((value) => value.type === 'element-removed')
    if (asked.length === 0) return outcome
    world.publisher.forget()
    for (const { list, id } of asked) update(world, list, id)
    return settle(world, { lane: 're-read' })
  }
  throw new Error('the record never ended')
}

export function removeInOmnium(world: World, list: 'contacts' | 'addresses', id: string) {
  const company = world.omnium.customer('B2B', '2000')!
  const kept = (company[list] ?? []).filter((it) => (list === 'contacts' ? it.id : it.externalId) !== id)
  world.omnium.put('B2B', { ...company, [list]: kept })
}

export const idsIn = (world: World) => {
  const { contacts, addresses } = world.omnium.customer('B2B', '2000')!
  return { contacts: contacts!.map(({ id }) => id), addresses: addresses!.map(({ externalId }) => externalId) }
}
