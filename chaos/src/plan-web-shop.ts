import type { Fields } from '@sync/sandbox/fields'
import type { OmniumKind } from '@sync/sandbox/omnium-customers'
import { type Customer, register, type Scene, type Unplaced } from './workload-scene.ts'

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
    register(state, {
      ...{ tenant, uid: id, type: customerType, parent: null, isOfWebShop: true, isPoison: false, isSpoilt: false },
      ...{ contacts: [], addresses: [] },
    })
  }
  const creation: Unplaced = { kind: 'omnium-create', tenant: tenant.uid, type, id, fields }
  if (!withOrder) return [creation]
  return [creation, { kind: 'omnium-order', tenant: tenant.uid, orderId: state.next('W'), customerId: id, type }]
}

/** One or two edits of a private customer, the second while the first is on its way to Flow. None empties a field: that never reaches Flow. */
export function editedInShop({ chance, people }: Scene, { tenant, uid: id }: Customer): Unplaced[] {
  const names = ['lastname', 'email', 'mobile', 'address', 'city', 'postalCode']
  return Array.from({ length: chance.between(1, 2) }, () => {
    const field = chance.pick(names)
    const fields = { [field]: people.valueOf('PERSON', field) }
    return { kind: 'shop-edit', tenant: tenant.uid, id, fields }
  })
}
