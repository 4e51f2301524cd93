import type { Fields } from '@sync/sandbox/fields'
import type { OmniumKind } from '@sync/sandbox/omnium-customers'
import type { Chance } from './chance.ts'
import { type CustomerType, nameOf, type Operation, type PlannedTenant } from './operations.ts'
import type { People } from './people.ts'

export type Unplaced = Operation extends infer O ? (O extends Operation ? Omit<O, 'atMs'> : never) : never

export interface Customer {
  readonly tenant: PlannedTenant
  readonly uid: string
  readonly type: CustomerType
  readonly isOfWebShop: boolean
  contacts: Fields[]
  addresses: Fields[]
  parent: string | null
  /**
   * `refused` by Omnium or `spoilt`, so that nobody can map what Flow holds: parked as things are. `cured` of it: it may
   * come to Omnium only with the last redrive.
   */
  health: 'sound' | 'refused' | 'spoilt' | 'cured'
}

export const isPoison = ({ health }: Customer): boolean => health === 'refused' || health === 'spoilt'

export interface State {
  readonly customers: Customer[]
  readonly byName: Map<string, Customer>
  readonly webOnly: { readonly tenant: PlannedTenant; readonly id: string; readonly type: OmniumKind }[]
  readonly next: (what: string) => string
}

export function createState(): State {
  let made = 0
  return { customers: [], byName: new Map(), webOnly: [], next: (what) => `${what}-${++made}` }
}

export interface Scene {
  readonly chance: Chance
  readonly people: People
  readonly state: State
  readonly tenant: PlannedTenant
}

export type Birth = Extract<Unplaced, { kind: 'flow-create' }>

export function register(state: State, customer: Customer): void {
  state.customers.push(customer)
  state.byName.set(nameOf(customer.tenant.uid, customer.uid), customer)
}

export function created({ people, state, tenant }: Scene, type: CustomerType, parent: string | null = null): Birth {
  const uid = state.next(type === 'PERSON' ? 'p' : 'c')
  const fields = people.fieldsOf(type)
  register(state, {
    ...{ tenant, uid, type, parent, isOfWebShop: false, health: 'sound' },
    contacts: (fields.contacts as Fields[]) ?? [],
    addresses: (fields.addresses as Fields[]) ?? [],
  })
  return {
    kind: 'flow-create',
    tenant: tenant.uid,
    uid,
    fields: { customerType: type, ...fields, ...(parent !== null && { parentCustomer: { customerUid: parent } }) },
  }
}
