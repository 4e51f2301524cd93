import { hasRelation, relationView } from './relation-view.ts'
import type { Effect, Stage } from './stage.ts'
import { TENANT } from './system.ts'

type Typed = { readonly customerUid: string }

/** Registers somebody at the till: there in Omnium, and the Omnium id back in Flow. */
export function register(stage: Stage, kind: 'B2C' | 'B2B', fields: Typed) {
  const id = fields.customerUid
  const there = stage.inOmnium(kind, id)
  const linked = stage.inFlow(id, ({ externalId }) => externalId === id)
  const since = stage.atTill(() => stage.flow.createCustomer(TENANT, { ...fields }))
  return { since, there, linked }
}

export function registered(stage: Stage, kind: 'B2C' | 'B2B', fields: Typed): Effect[] {
  const { since, there, linked } = register(stage, kind, fields)
  return [
    { says: 'in Omnium', since, at: there },
    { says: 'the Omnium id is written back to Flow', since, at: linked },
  ]
}

/** Several at once; names by uid. */
export function allRegistered(stage: Stage, kind: 'B2C' | 'B2B', named: Readonly<Record<string, Typed>>): Effect[] {
  const all = Object.entries(named).map(([name, fields]) => ({ name, ...register(stage, kind, fields) }))
  const since = Math.min(...all.map((it) => it.since))
  const linked = Promise.all(all.map((it) => it.linked)).then((ats) => Math.max(...ats))
  return [
    ...all.map((it) => ({ says: `${it.name} in Omnium`, since: it.since, at: it.there })),
    { says: 'their Omnium ids are written back to Flow', since, at: linked },
  ]
}

export const hasParent = (stage: Stage, child: string, parent: string) =>
  stage.inOmnium('B2B', child, (row) => hasRelation(row, 'Parent', parent))

export const setParent = (stage: Stage, child: string, parent: string | null): number =>
  stage.atTill(() => {
    const parentCustomer = parent === null ? null : { customerUid: parent }
    return stage.flow.editCustomer(TENANT, child, { parentCustomer })
  })

/** Remembers the companies as they are now, and shows them with what became of them, whatever did. */
export function companiesIn(stage: Stage, named: Readonly<Record<string, Typed>>) {
  const rowOf = ({ customerUid }: Typed) => stage.omnium.customer(TENANT, 'B2B', customerUid)
  const companies = Object.entries(named).map(([name, typed]) => ({ name, typed, before: rowOf(typed) }))
  return (seen: Promise<void>) =>
    seen.finally(() => {
      const shown = companies.map(({ name, typed, before }) => ({ name, before, after: rowOf(typed) }))
      stage.show(relationView(shown, stage.screen.paint))
    })
}

interface WebOrder {
  readonly id: string
  readonly customerId: string
  readonly customerType: 'B2C' | 'B2B'
}

export function ordered(stage: Stage, { id, customerId, customerType }: WebOrder): Effect[] {
  const at = stage.inFlow(customerId)
  const since = stage.inWebShop(() => stage.omnium.createOrder(TENANT, webOrder(id, customerId, customerType)))
  return [{ says: 'the customer of the order is in Flow', since, at }]
}

export const webOrder = (id: string, customerId: string, customerType: string) => ({
  id,
  customerId,
  customerType,
  orderType: 'Online',
  status: 'New',
  marketId: 'NOR',
  storeId: 'web',
  orderForm: { lineItems: [{ code: 'MUG', quantity: 2, placedPrice: 99.5 }] },
})

export function describe({ flow, screen }: Stage, id: string, fields: readonly string[]): string {
  const row = flow.customer(TENANT, id) ?? ({} as Record<string, unknown>)
  return `${screen.paint('dim', 'in Flow:')} ${fields.map((field) => row[field]).join(' · ')}`
}
