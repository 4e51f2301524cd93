import { nameOf } from './operations.ts'
import { type Customer, created, isPoison, type Scene, type State, type Unplaced } from './workload-scene.ts'

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
      !isPoison(it) &&
      !isBelow(state, it, child),
  )
}

export function moved({ chance, state }: Scene, child: Customer): Unplaced[] {
  if (child.parent !== null && chance.happens(0.25)) return [reparented(child, null)]
  const parents = possibleParents(state, child)
  return parents.length === 0 ? [] : [reparented(child, chance.pick(parents).uid)]
}

/** A child takes its parent's place, and the parent becomes its child. */
export function swapped({ chance, state }: Scene): Unplaced[] {
  const children = state.customers.filter((it) => it.parent !== null && !isPoison(it))
  if (children.length === 0) return []
  const child = chance.pick(children)
  const parent = parentOf(state, child)!
  return [reparented(child, parent.parent), reparented(parent, child.uid)]
}

/** Departments that come at once, some under others, in any order: a child may come before its parent. */
export function chained(scene: Scene): Unplaced[] {
  const { chance, state } = scene
  const births = [created(scene, 'COMPANY')]
  const chain = [state.customers.at(-1)!.uid]
  for (let n = chance.between(3, 10); n > 0; n--) {
    births.push(created(scene, 'COMPANY', chance.happens(0.5) ? chain[0]! : chance.pick(chain)))
    chain.push(state.customers.at(-1)!.uid)
  }
  return chance.happens(0.5) ? births.toReversed() : births
}
