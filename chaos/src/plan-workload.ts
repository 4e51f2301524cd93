import type { Fields } from '@sync/sandbox/fields'
import { type Chance, createChance } from './chance.ts'
import {
  type CustomerType,
  GARBAGE_TOPICS,
  nameOf,
  type OmniumKind,
  type Operation,
  type PlannedTenant,
  REPLAY_TOPICS,
} from './operations.ts'
import { CLEARABLE, COMPANY_FIELDS, createPeople, PERSON_FIELDS, type People } from './people.ts'

export interface WorkloadOptions {
  readonly seed: number
  readonly tenants: number
  /** Of all tenants together; those of the web shop and chains of departments come besides. */
  readonly customers: number
  /** Changes a second. */
  readonly rate: number
  readonly durationMs: number
}

export interface Workload {
  readonly tenants: readonly PlannedTenant[]
  /** In the order of their times. */
  readonly operations: readonly Operation[]
}

type Unplaced = Operation extends infer O ? (O extends Operation ? Omit<O, 'atMs'> : never) : never

interface Customer {
  readonly tenant: PlannedTenant
  readonly uid: string
  readonly type: CustomerType
  readonly isOfWebShop: boolean
  contacts: Fields[]
  addresses: Fields[]
  parent: string | null
  isPoison: boolean
}

const COUNTRIES = ['NO', 'SE', 'DK', 'FI']
/** How often each kind of act comes once most customers are there. */
const WEIGHTS = {
  edit: 40,
  burst: 4,
  empty: 6,
  contacts: 6,
  addresses: 6,
  move: 14,
  swap: 3,
  chain: 0.4,
  'web-order': 1.5,
  'web-customer': 0.7,
  'order-again': 2,
  tags: 3,
  'till-order': 1,
  poison: 0.3,
  cure: 0.25,
  garbage: 0.3,
  replay: 0.3,
  redrive: 0.2,
}
type Act = keyof typeof WEIGHTS | 'create'
const MAY_SPREAD: ReadonlySet<Act> = new Set<Act>(['burst', 'web-order'])

export const tenantsOf = (count: number): PlannedTenant[] =>
  Array.from({ length: count }, (_, i) => ({
    uid: `tenant-${i + 1}`,
    countryCode: COUNTRIES[i % COUNTRIES.length]!,
    marketGroupId: `MG-${i + 1}`,
    propertyPrefix: i % 2 === 0 ? 'flow' : `pos${i}`,
    omniumCustomerEvents: i % 3 === 1 ? 'off' : 'create',
  }))

/** What happens in both systems, and when: the same options, the same operations. */
export function planWorkload(options: WorkloadOptions): Workload {
  const chance = createChance(options.seed, 'workload')
  const people = createPeople(chance)
  const tenants = tenantsOf(options.tenants)
  const state = createState()
  const operations: Operation[] = []
  let atMs = 0
  while (atMs < options.durationMs) {
    const wanted = options.customers * Math.min(1, (2 * atMs) / options.durationMs + 0.2)
    const lacks = state.customers.length < wanted && state.customers.length < options.customers
    const act: Act = lacks && chance.happens(0.6) ? 'create' : chance.weighted(WEIGHTS)
    const steps = perform(act, { chance, people, state, tenant: chance.pick(tenants) })
    // What others build on is there at once; the rest may mix with what comes next.
    const stepMs = MAY_SPREAD.has(act) ? chance.pick([0, 1, 5, 50]) : 0
    for (const [i, step] of steps.entries())
      operations.push({ ...step, atMs: Math.round(atMs + i * stepMs) } as Operation)
    atMs += Math.max(1, steps.length) * (1000 / options.rate) * 2 * chance.draw()
  }
  return { tenants, operations: operations.toSorted((a, b) => a.atMs - b.atMs) }
}

interface State {
  readonly customers: Customer[]
  readonly byName: Map<string, Customer>
  readonly webOnly: { readonly tenant: PlannedTenant; readonly id: string; readonly type: OmniumKind }[]
  readonly next: (what: string) => string
}

function createState(): State {
  let made = 0
  return { customers: [], byName: new Map(), webOnly: [], next: (what) => `${what}-${++made}` }
}

interface Scene {
  readonly chance: Chance
  readonly people: People
  readonly state: State
  readonly tenant: PlannedTenant
}

function perform(act: Act, scene: Scene): Unplaced[] {
  const { chance, people, state, tenant } = scene
  const of = (accepts: (customer: Customer) => boolean) => {
    const those = state.customers.filter(accepts)
    return those.length > 0 ? chance.pick(those) : null
  }
  const edit = ({ tenant, uid }: Customer, fields: Fields): Unplaced => ({
    kind: 'flow-edit',
    tenant: tenant.uid,
    uid,
    fields,
  })
  const newValue = (customer: Customer) => {
    const field = chance.pick(customer.type === 'PERSON' ? PERSON_FIELDS : COMPANY_FIELDS)
    return { [field]: people.valueOf(customer.type, field) }
  }
  const anyone = of(() => true)
  const company = of((it) => it.type === 'COMPANY' && !it.isOfWebShop && !it.isPoison)

  switch (act) {
    case 'create':
      return [created(scene, chance.happens(0.5) ? 'PERSON' : 'COMPANY')]
    case 'edit':
      return anyone === null ? [] : [edit(anyone, newValue(anyone))]
    case 'burst':
      return anyone === null ? [] : Array.from({ length: chance.between(5, 20) }, () => edit(anyone, newValue(anyone)))
    case 'empty':
      return anyone === null ? [] : [edit(anyone, { [chance.pick(CLEARABLE)]: chance.pick([null, '']) })]
    case 'contacts': {
      if (company === null) return []
      company.contacts = changedList(chance, company.contacts, people.contact, () => ({
        email: people.valueOf('PERSON', 'email'),
      }))
      return [edit(company, { contacts: company.contacts })]
    }
    case 'addresses': {
      if (company === null) return []
      company.addresses = changedList(chance, company.addresses, people.address, () => ({
        city: people.valueOf('PERSON', 'city'),
      }))
      return [edit(company, { addresses: company.addresses })]
    }
    case 'move':
      return company === null ? [] : moved(scene, company)
    case 'swap':
      return swapped(scene)
    case 'chain':
      return chained(scene)
    case 'web-order':
    case 'web-customer':
      return fromWebShop(scene, act === 'web-order')
    case 'order-again': {
      if (anyone === null || anyone.isPoison) return []
      const type = anyone.type === 'PERSON' ? 'B2C' : 'B2B'
      const customerId = chance.happens(0.1) ? null : anyone.uid
      const orderId = state.next('W')
      return [{ kind: 'omnium-order', tenant: anyone.tenant.uid, orderId, customerId, type }]
    }
    case 'tags': {
      const those = state.webOnly.filter(({ type }) => type === 'B2B')
      if (those.length === 0) return []
      const { tenant, id, type } = chance.pick(those)
      return [{ kind: 'omnium-edit', tenant: tenant.uid, type, id, fields: { tags: [state.next('tag')] } }]
    }
    case 'till-order':
      return anyone === null || anyone.isOfWebShop
        ? []
        : [{ kind: 'flow-order', tenant: anyone.tenant.uid, orderUid: state.next('T'), uid: anyone.uid }]
    case 'poison': {
      const type = chance.pick(['PERSON', 'COMPANY'] as const)
      const birth = created(scene, type)
      state.customers.at(-1)!.isPoison = true
      const { tenant, uid } = birth as Extract<Unplaced, { kind: 'flow-create' }>
      return [{ kind: 'poison', tenant, uid, status: chance.pick([400, 422, 500] as const) }, birth]
    }
    case 'cure': {
      const poison = of(({ isPoison }) => isPoison)
      if (poison === null) return []
      poison.isPoison = false
      return [{ kind: 'cure', tenant: poison.tenant.uid, uid: poison.uid }]
    }
    case 'garbage': {
      const topic = chance.pick(GARBAGE_TOPICS)
      // A compacted topic takes no record without a key.
      const isKeyless = topic !== 'flow.customers.v1' && chance.happens(0.5)
      const key = isKeyless ? null : nameOf(tenant.uid, state.next('garbage'))
      return [{ kind: 'garbage', topic, key, size: chance.between(0, 2000) }]
    }
    case 'replay': {
      const from = chance.draw()
      return [{ kind: 'replay', topic: chance.pick(REPLAY_TOPICS), from, to: Math.min(1, from + 0.2 * chance.draw()) }]
    }
    case 'redrive':
      return [{ kind: 'redrive' }]
  }
}

function created({ people, state, tenant }: Scene, type: CustomerType, parent: string | null = null): Unplaced {
  const uid = state.next(type === 'PERSON' ? 'p' : 'c')
  const fields = people.fieldsOf(type)
  const customer: Customer = {
    ...{ tenant, uid, type, parent, isOfWebShop: false, isPoison: false },
    contacts: (fields.contacts as Fields[]) ?? [],
    addresses: (fields.addresses as Fields[]) ?? [],
  }
  state.customers.push(customer)
  state.byName.set(nameOf(tenant.uid, uid), customer)
  return {
    kind: 'flow-create',
    tenant: tenant.uid,
    uid,
    fields: { customerType: type, ...fields, ...(parent !== null && { parentCustomer: { customerUid: parent } }) },
  }
}

/** One element more, one changed, or one less. */
function changedList(chance: Chance, list: Fields[], make: () => Fields, change: () => Fields): Fields[] {
  const at = chance.between(0, list.length)
  if (at === list.length) return [...list, make()]
  return chance.happens(0.5) ? list.with(at, { ...list[at]!, ...change() }) : list.toSpliced(at, 1)
}

function reparented(customer: Customer, parent: string | null): Unplaced {
  customer.parent = parent
  const parentCustomer = parent === null ? null : { customerUid: parent }
  return { kind: 'flow-edit', tenant: customer.tenant.uid, uid: customer.uid, fields: { parentCustomer } }
}

const parentOf = (state: State, { tenant, parent }: Customer): Customer | undefined =>
  parent === null ? undefined : state.byName.get(nameOf(tenant.uid, parent))

/** Flow itself never holds a cycle in this workload: one that it held would rightly be parked. */
function isBelow(state: State, customer: Customer, ancestor: Customer): boolean {
  for (let it: Customer | undefined = customer; it !== undefined; it = parentOf(state, it)) {
    if (it === ancestor) return true
  }
  return false
}

function possibleParents(state: State, child: Customer): Customer[] {
  return state.customers.filter(
    (it) =>
      it.type === 'COMPANY' &&
      it.tenant === child.tenant &&
      !it.isOfWebShop &&
      !it.isPoison &&
      !isBelow(state, it, child),
  )
}

function moved({ chance, state }: Scene, child: Customer): Unplaced[] {
  if (child.parent !== null && chance.happens(0.25)) return [reparented(child, null)]
  const parents = possibleParents(state, child)
  return parents.length === 0 ? [] : [reparented(child, chance.pick(parents).uid)]
}

/** A child takes its parent's place, and the parent becomes its child. */
function swapped({ chance, state }: Scene): Unplaced[] {
  const children = state.customers.filter((it) => it.parent !== null && !it.isPoison)
  if (children.length === 0) return []
  const child = chance.pick(children)
  const parent = parentOf(state, child)!
  return [reparented(child, parent.parent), reparented(parent, child.uid)]
}

/** Departments that come at once, some under others, in any order: a child may come before its parent. */
function chained(scene: Scene): Unplaced[] {
  const { chance, state } = scene
  const births = [created(scene, 'COMPANY')]
  const chain = [state.customers.at(-1)!.uid]
  for (let n = chance.between(3, 10); n > 0; n--) {
    births.push(created(scene, 'COMPANY', chance.happens(0.5) ? chain[0]! : chance.pick(chain)))
    chain.push(state.customers.at(-1)!.uid)
  }
  return chance.happens(0.5) ? births.toReversed() : births
}

/** Ids as Omnium has them: opaque, to be encoded in paths. */
function webId({ chance, state, tenant }: Scene): string {
  const n = state.next('web')
  return chance.pick([n, `${n}@example.org`, `+4799${n}`, `${n} 50%`, `${n}/æ?b`]) + (tenant.uid.length % 2 ? '' : '.')
}

/**
 * A customer whose fields come back from Flow as they are, so that it doesn't matter how many of the edits at the till
 * Omnium sees one by one.
 */
function fromWebShop(scene: Scene, withOrder: boolean): Unplaced[] {
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
  if (withOrder || tenant.omniumCustomerEvents === 'create') {
    const customer: Customer = {
      ...{ tenant, uid: id, type: customerType, parent: null, isOfWebShop: true, isPoison: false },
      ...{ contacts: [], addresses: [] },
    }
    state.customers.push(customer)
    state.byName.set(nameOf(tenant.uid, id), customer)
  }
  const creation: Unplaced = { kind: 'omnium-create', tenant: tenant.uid, type, id, fields }
  if (!withOrder) return [creation]
  return [creation, { kind: 'omnium-order', tenant: tenant.uid, orderId: state.next('W'), customerId: id, type }]
}
