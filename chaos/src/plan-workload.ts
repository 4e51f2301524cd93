import type { Fields } from '@sync/sandbox/fields'
import { type Chance, createChance } from './chance.ts'
import { GARBAGE_TOPICS, NO_TYPE, nameOf, type Operation, type PlannedTenant, REPLAY_TOPICS } from './operations.ts'
import { CLEARABLE, COMPANY_FIELDS, createPeople, PERSON_FIELDS } from './people.ts'
import { chained, moved, swapped } from './plan-companies.ts'
import { type Flood, planFloods } from './plan-floods.ts'
import { closingEdits, editedInShop, fromWebShop } from './plan-web-shop.ts'
import { type Customer, created, createState, isPoison, type Scene, type Unplaced } from './workload-scene.ts'

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
  /** Their edits are among the operations. */
  readonly floods: readonly Flood[]
  /** Rounds of them once all is at rest, each at rest before the next. */
  readonly closing: readonly (readonly Operation[])[]
}

const COUNTRIES = ['NO', 'SE', 'DK', 'FI']
const MODES = ['create', 'off', 'update'] as const
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
  'shop-edit': 3,
  'till-order': 1,
  poison: 0.3,
  cure: 0.25,
  spoil: 0.3,
  correct: 0.25,
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
    omniumCustomerEvents: MODES[i % MODES.length]!,
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
  const uids = tenants.map(({ uid }) => uid)
  const { floods, operations: edits } = planFloods(chance, people, { ...options, tenants: uids }, operations)
  operations.push(...edits)
  operations.sort((a, b) => a.atMs - b.atMs)
  return { tenants, operations, floods, closing: closingEdits(people, operations) }
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
  const company = of((it) => it.type === 'COMPANY' && !it.isOfWebShop && !isPoison(it))

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
      if (anyone === null || isPoison(anyone)) return []
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
    case 'shop-edit':
      return editedInShop(scene)
    case 'till-order':
      return anyone === null || anyone.isOfWebShop
        ? []
        : [{ kind: 'flow-order', tenant: anyone.tenant.uid, orderUid: state.next('T'), uid: anyone.uid }]
    case 'poison': {
      const type = chance.pick(['PERSON', 'COMPANY'] as const)
      const birth = created(scene, type)
      state.customers.at(-1)!.health = 'refused'
      const { tenant, uid } = birth
      return [
        { kind: 'poison', tenant, uid, refusal: chance.pick([400, 422, 500, 'error-count', 'success-false'] as const) },
        birth,
      ]
    }
    case 'cure': {
      const poison = of(({ health }) => health === 'refused')
      if (poison === null) return []
      poison.health = 'cured'
      return [{ kind: 'cure', tenant: poison.tenant.uid, uid: poison.uid }]
    }
    case 'spoil': {
      const birth = created(scene, 'PERSON')
      state.customers.at(-1)!.health = 'spoilt'
      return [{ ...birth, fields: { ...birth.fields, customerType: NO_TYPE } }]
    }
    case 'correct': {
      const spoilt = of(({ health }) => health === 'spoilt')
      if (spoilt === null) return []
      spoilt.health = 'cured'
      return [{ kind: 'correct', tenant: spoilt.tenant.uid, uid: spoilt.uid, fields: { customerType: spoilt.type } }]
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

/** One element more, one changed, or one less. */
function changedList(chance: Chance, list: Fields[], make: () => Fields, change: () => Fields): Fields[] {
  const at = chance.between(0, list.length)
  if (at === list.length) return [...list, make()]
  return chance.happens(0.5) ? list.with(at, { ...list[at]!, ...change() }) : list.toSpliced(at, 1)
}
