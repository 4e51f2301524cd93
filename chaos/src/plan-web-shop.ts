import type { Fields } from '@sync/sandbox/fields'
import type { OmniumKind } from '@sync/sandbox/omnium-customers'
import { nameOf, type Operation } from './operations.ts'
import type { People } from './people.ts'
import { register, type Scene, type Unplaced } from './workload-scene.ts'

/** Ids as Omnium has them: opaque, to be encoded in paths. */
function webId({ chance, state, tenant }: Scene): string {
  const n = state.next('web')
  return chance.pick([n, `${n}@example.org`, `+4799${n}`, `${n} 50%`, `${n}/æ?b`]) + (tenant.uid.length % 2 ? '' : '.')
}

/**
 * A customer whose fields come back from Flow as they are, so that it doesn't matter how many of the edits at the till
 * Omnium sees one by one.
 */
export function fromWebShop(scene: Scene, withOrder: boolean): Unplaced[] {
  const { chance, people, state, tenant } = scene
  const type: OmniumKind = chance.happens(0.6) ? 'B2C' : 'B2B'
  const id = webId(scene)
  const customerType = type === 'B2C' ? 'PERSON' : 'COMPANY'
  const typed = people.fieldsOf(customerType)
  const address: Fields = { line2: people.valueOf('PERSON', 'address'), countryCode: tenant.countryCode }
  for (const [name, from] of Object.entries({ line1: 'address', city: 'city', postalCode: 'postalCode' })) {
    if (typed[from] !== undefined) address[name] = typed[from]
  }
  const fields: Fields = { customerId: id, address, marketGroupId: tenant.marketGroupId, tags: ['web'] }
  if (type === 'B2C') {
    fields.firstName = chance.happens(0.2) ? '' : typed.firstname
    fields.lastName = typed.lastname
  } else {
    fields.name = typed.companyName
    address.name = typed.companyName
    if (typed.vatNumber !== undefined) fields.taxId = typed.vatNumber
    fields.contacts = [{ id: state.next('web-contact'), firstName: 'Web', lastName: 'Shop', roles: ['buyer'] }]
    fields.customerRelations = [{ customerId: 'a-partner', customerType: 'B2B', relationType: 'Partner' }]
  }
  if (typed.email !== undefined) fields.email = typed.email
  if (typed.mobile !== undefined) fields.phone = typed.mobile
  if (typed.loyaltyId !== undefined) {
    fields.customerNumber = typed.loyaltyId
    fields.externalIds = [
      { id: 'CRM-1', providerName: 'SomeCrm' },
      { id: typed.loyaltyId, providerName: 'Voyado' },
    ]
  }
  state.webOnly.push({ tenant, id, type })
  if (withOrder || tenant.omniumCustomerEvents !== 'off') {
    const known = { tenant, uid: id, type: customerType, parent: null, isOfWebShop: true, health: 'sound' } as const
    register(state, { ...known, contacts: [], addresses: [] })
  }
  const creation: Unplaced = { kind: 'omnium-create', tenant: tenant.uid, type, id, fields }
  if (!withOrder) return [creation]
  return [creation, { kind: 'omnium-order', tenant: tenant.uid, orderId: state.next('W'), customerId: id, type }]
}

/** One or two edits, the second while the first is on its way to Flow. None empties a field: that never reaches Flow. */
export function editedInShop({ chance, people, state, tenant }: Scene): Unplaced[] {
  if (tenant.omniumCustomerEvents !== 'update') return []
  // Not a company: our own write of its relations may hide the edit, which then doesn't go to Flow.
  const those = state.customers.filter((it) => it.tenant === tenant && it.type === 'PERSON' && it.health === 'sound')
  if (those.length === 0) return []
  const { uid: id } = chance.pick(those)
  return Array.from({ length: chance.between(1, 2) }, () => {
    const field = chance.pick(['lastname', 'email', 'mobile', 'address', 'city', 'postalCode'])
    return { kind: 'shop-edit', tenant: tenant.uid, id, fields: { [field]: people.valueOf('PERSON', field) } }
  })
}

/**
 * When all is at rest: whom both sides edited is edited once more, on one side and, when that is at rest, on the other.
 * Nothing is left to chance then.
 */
export function closingEdits(people: People, operations: readonly Operation[]): Operation[][] {
  const edits = operations.filter((it) => it.kind === 'shop-edit')
  const those = new Map(edits.map(({ tenant, id }) => [nameOf(tenant, id), { tenant, id }])).values().toArray()
  const value = (field: string) => ({ [field]: people.valueOf('PERSON', field) })
  return [
    those.map(({ tenant, id: uid }) => ({ atMs: 0, kind: 'flow-edit', tenant, uid, fields: value('mobile') })),
    those.map(({ tenant, id }) => ({ atMs: 0, kind: 'shop-edit', tenant, id, fields: value('email') })),
  ]
}
