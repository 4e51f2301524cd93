import { SERVICES } from '@sync/shared/kafka/topics'
import { ANNE, BAKERY, BJORN, FLORIST, GROCER, KARI, NORTH, OLA, PELLE, SIRI, SIST, SOUTH } from './cast.ts'
import { percentile } from './percentile.ts'
import { hasRelation, propertyOf, relationView } from './relation-view.ts'
import { untilAtRest } from './rest.ts'
import { duration } from './screen.ts'
import type { Effect, Stage, Step } from './stage.ts'
import { TENANT } from './system.ts'
import { unless } from './unless.ts'

const TO_OMNIUM = ['flow-ingest', 'customer-mapper'] as const
const TO_FLOW = ['omnium-ingest', 'customer-mapper'] as const
const PARENTS = ['flow-ingest', 'customer-mapper', 'relation-manager'] as const

/** The day in the shop. Each step leaves both stand-ins as expected.ts says, once all of them have come true. */
export const DAY: readonly Step[] = [
  {
    at: '09:00',
    title: 'Kari Eksempel registers at the till',
    needs: TO_OMNIUM,
    run: (stage) => stage.see(...registered(stage, 'B2C', KARI)),
  },
  {
    at: '09:20',
    title: 'Kari has moved, has another phone, and gives no e-mail any more',
    needs: TO_OMNIUM,
    async run(stage) {
      const id = KARI.customerUid
      const edit = { address: 'Bryggen 7', city: 'Bergen', postalCode: '5003', mobile: '+4700000102', email: null }
      const at = stage.inOmnium('B2C', id, ({ phone }) => phone === edit.mobile)
      const since = stage.atTill(() => stage.flow.editCustomer(TENANT, id, edit))
      await stage.see({ says: 'edited in Omnium', since, at })
    },
  },
  {
    at: '09:45',
    title: 'Fiktiv Bakeri AS becomes a customer, with two contacts and two addresses',
    needs: TO_OMNIUM,
    run: (stage) => stage.see(...registered(stage, 'B2B', BAKERY)),
  },
  {
    at: '10:10',
    title: 'One contact of Fiktiv Bakeri leaves, the other one gets a phone',
    needs: TO_OMNIUM,
    async run(stage) {
      const [, liv] = BAKERY.contacts
      const contacts = [{ ...liv, mobile: '+4700000213' }]
      const at = stage.inOmnium('B2B', BAKERY.customerUid, (row) => (row.contacts as unknown[]).length === 1)
      const since = stage.atTill(() => stage.flow.editCustomer(TENANT, BAKERY.customerUid, { contacts }))
      await stage.see({ says: 'its contacts in Omnium', since, at })
    },
  },
  {
    at: '10:30',
    title: 'Prøvestad Mat AB and two departments of the bakery register',
    needs: TO_OMNIUM,
    run: (stage) =>
      stage.see(...allRegistered(stage, 'B2B', { 'Prøvestad Mat AB': GROCER, North: NORTH, South: SOUTH })),
  },
  {
    at: '10:40',
    title: 'The two departments get Fiktiv Bakeri AS as their parent',
    needs: PARENTS,
    async run(stage) {
      const told = companiesIn(stage, { 'North (2011)': NORTH, 'South (2012)': SOUTH, 'Bakery (2001)': BAKERY })
      const ats = [NORTH, SOUTH].map(({ customerUid }) => hasParent(stage, customerUid, BAKERY.customerUid))
      const at = stage.inOmnium('B2B', BAKERY.customerUid, (row) => {
        const children = [NORTH, SOUTH].every((it) => hasRelation(row, 'SubDepartment', it.customerUid))
        return children && propertyOf(row, 'Parent company') === 'true'
      })
      const [since, sinceSouth] = [NORTH, SOUTH].map((it) => setParent(stage, it.customerUid, BAKERY.customerUid))
      await told(
        stage.see(
          { says: 'North has its parent', since: since!, at: ats[0]! },
          { says: 'South has its parent', since: sinceSouth!, at: ats[1]! },
          { says: 'the parent has both, and is a parent company', since: since!, at },
        ),
      )
    },
  },
  {
    at: '11:15',
    title: 'Department South moves to Prøvestad Mat AB',
    needs: PARENTS,
    async run(stage) {
      const [id, from, to] = [SOUTH.customerUid, BAKERY.customerUid, GROCER.customerUid]
      const told = companiesIn(stage, { 'South (2012)': SOUTH, 'Bakery (2001)': BAKERY, 'Prøvestad (2002)': GROCER })
      const child = hasParent(stage, id, to)
      const lost = stage.inOmnium('B2B', from, (row) => !hasRelation(row, 'SubDepartment', id))
      const gained = stage.inOmnium(
        'B2B',
        to,
        (row) => hasRelation(row, 'SubDepartment', id) && propertyOf(row, 'Parent company') === 'true',
      )
      const since = setParent(stage, id, to)
      await told(
        stage.see(
          { says: 'South has the other parent', since, at: child },
          { says: 'the old parent has lost it', since, at: lost },
          { says: 'the new parent has it, and is a parent company', since, at: gained },
        ),
      )
    },
  },
  {
    at: '11:30',
    title: 'Department North becomes a company of its own',
    needs: PARENTS,
    async run(stage) {
      const [id, from] = [NORTH.customerUid, BAKERY.customerUid]
      const told = companiesIn(stage, { 'North (2011)': NORTH, 'Bakery (2001)': BAKERY })
      const child = stage.inOmnium('B2B', id, (row) => !hasRelation(row, 'Parent', from))
      const lost = stage.inOmnium('B2B', from, (row) => {
        return !hasRelation(row, 'SubDepartment', id) && propertyOf(row, 'Parent company') === 'false'
      })
      const since = setParent(stage, id, null)
      await told(
        stage.see(
          { says: 'North has no parent', since, at: child },
          { says: 'Fiktiv Bakeri is no parent company any more', since, at: lost },
        ),
      )
    },
  },
  {
    at: '12:05',
    title: 'Ola, a private customer whom no shop has seen, orders on the web',
    needs: TO_FLOW,
    async run(stage) {
      stage.omnium.seed(TENANT, 'B2C', [OLA])
      await stage.see(...ordered(stage, { id: 'W-4001', customerId: OLA.customerId, customerType: 'B2C' }))
      stage.show([describe(stage, OLA.customerId, ['customerType', 'firstname', 'lastname', 'mobile'])])
    },
  },
  {
    at: '12:30',
    title: 'Oppdiktet Blomst AS, with a Voyado id, orders on the web',
    needs: TO_FLOW,
    async run(stage) {
      stage.omnium.seed(TENANT, 'B2B', [FLORIST])
      await stage.see(...ordered(stage, { id: 'W-4002', customerId: FLORIST.customerId, customerType: 'B2B' }))
      stage.show([describe(stage, FLORIST.customerId, ['customerType', 'companyName', 'email', 'loyaltyId'])])
    },
  },
  {
    at: '13:15',
    title: 'Four people register at once; Omnium refuses Pelle',
    needs: TO_OMNIUM,
    async run(stage) {
      const refused = PELLE.customerUid
      stage.omnium.faults.add({ kind: 'status', method: 'POST', customerId: refused, status: 400 })
      const effects = allRegistered(stage, 'B2C', { Anne: ANNE, Bjørn: BJORN, 'one who gives no first name': SIST })
      const parked = stage.onTopic('customer-mapper.dead-letters.v1', ({ key }) => key === `${TENANT}:${refused}`)
      const since = stage.atTill(() => stage.flow.createCustomer(TENANT, PELLE))
      await stage.see(...effects, { says: 'Pelle is set aside', since, at: parked.then(({ at }) => at) })
      const { headers } = await parked
      stage.show([
        `${stage.screen.paint('dim', 'customer-mapper.dead-letters.v1:')} ${headers['dl-reason']}`,
        `  ${headers['dl-message']}`,
      ])
    },
  },
  {
    at: '14:00',
    title: 'The cashier corrects Kari’s address twenty times in a row',
    needs: TO_OMNIUM,
    async run(stage) {
      const id = KARI.customerUid
      const after = stage.omnium.journal.lastSeq()
      const at = stage.inOmnium('B2C', id, (row) => (row.address as { line1?: string }).line1 === 'Bryggen 20')
      let since = 0
      for (let i = 1; i <= 20; i++) {
        since = stage.atTill(() => stage.flow.editCustomer(TENANT, id, { address: `Bryggen ${i}` }))
      }
      await stage.see({ says: 'the last one in Omnium', since, at })
      const writes = stage.omnium.journal.writes({ after, id }).length
      stage.show([`20 edits, ${writes} ${writes === 1 ? 'write' : 'writes'} in Omnium`])
    },
  },
  {
    at: '15:00',
    title: 'Orders of both systems are on their raw topics',
    needs: ['flow-ingest', 'omnium-ingest'],
    async run(stage) {
      const effects: Effect[] = []
      const order = (says: string, topic: 'flow.orders.v1' | 'omnium.orders.v1', id: string, act: () => number) => {
        const at = stage.onTopic(topic, ({ value }) => (value as { id?: string } | null)?.id === id)
        effects.push({ says, since: act(), at: at.then((record) => record.at) })
      }
      order('Kari’s purchase at the till', 'flow.orders.v1', 'F-3001', () =>
        stage.atTill(() => stage.flow.putOrder(TENANT, { ...PURCHASE, customerUid: KARI.customerUid })),
      )
      order('somebody’s purchase at the till', 'flow.orders.v1', 'F-3002', () =>
        stage.atTill(() => stage.flow.putOrder(TENANT, { ...PURCHASE, orderUid: 'F-3002' })),
      )
      order('Kari’s order on the web', 'omnium.orders.v1', 'W-4003', () =>
        stage.inWebShop(() => stage.omnium.createOrder(TENANT, webOrder('W-4003', KARI.customerUid, 'B2C'))),
      )
      await stage.see(...effects)
      for (const topic of ['flow.orders.v1', 'omnium.orders.v1'] as const) {
        const ids = stage.log.records(topic).map(({ key, value }) => `${(value as { id: string }).id} (${key})`)
        stage.show([stage.screen.paint('dim', `${topic}:`), ...ids.map((id) => `  ${id}`)])
      }
    },
  },
]

const EDITS = 50

/** Edits one after the other, each once the one before has taken effect and the system is quiet. */
export const measured = (latenciesMs: number[]): Step => ({
  at: '16:00',
  title: `Siri is edited ${EDITS} times, one by one, with nothing else going on`,
  needs: TO_OMNIUM,
  async run(stage) {
    const id = SIRI.customerUid
    const { there, linked } = register(stage, 'B2C', SIRI)
    await Promise.all([there, linked])
    for (let i = 1; i <= EDITS; i++) {
      await unless(stage.signal, Promise.all([stage.flow.webhooks.idle(), stage.omnium.webhooks.idle()]))
      const mobile = `+4700005${String(i).padStart(3, '0')}`
      const at = stage.inOmnium('B2C', id, ({ phone }) => phone === mobile)
      const since = stage.atTill(() => stage.flow.editCustomer(TENANT, id, { mobile }))
      const latencyMs = (await at) - since
      latenciesMs.push(latencyMs)
      stage.tell(latencyMs)
    }
    const [p50, p99] = [percentile(latenciesMs, 0.5), percentile(latenciesMs, 0.99)]
    stage.show([`p50 ${duration(p50)}, p99 ${duration(p99)}`])
  },
})

/** Nothing is left to do, so what the stand-ins hold now is what they keep. */
export const REST: Step = {
  at: '17:00',
  title: 'The shop closes, and everything comes to rest',
  needs: SERVICES,
  async run({ flow, omnium, admin, prefix, log, signal }) {
    await unless(signal, Promise.all([flow.webhooks.idle(), omnium.webhooks.idle()]))
    await untilAtRest(admin, prefix, signal)
    await log.untilCaughtUp(signal)
  },
}

type Typed = { readonly customerUid: string }

/** Registers somebody at the till: there in Omnium, and the Omnium id back in Flow. */
function register(stage: Stage, kind: 'B2C' | 'B2B', fields: Typed) {
  const id = fields.customerUid
  const there = stage.inOmnium(kind, id)
  const linked = stage.inFlow(id, ({ externalId }) => externalId === id)
  const since = stage.atTill(() => stage.flow.createCustomer(TENANT, { ...fields }))
  return { since, there, linked }
}

function registered(stage: Stage, kind: 'B2C' | 'B2B', fields: Typed): Effect[] {
  const { since, there, linked } = register(stage, kind, fields)
  return [
    { says: 'in Omnium', since, at: there },
    { says: 'the Omnium id is written back to Flow', since, at: linked },
  ]
}

/** Several at once; names by uid. */
function allRegistered(stage: Stage, kind: 'B2C' | 'B2B', named: Readonly<Record<string, Typed>>): Effect[] {
  const all = Object.entries(named).map(([name, fields]) => ({ name, ...register(stage, kind, fields) }))
  const since = Math.min(...all.map((it) => it.since))
  const linked = Promise.all(all.map((it) => it.linked)).then((ats) => Math.max(...ats))
  return [
    ...all.map((it) => ({ says: `${it.name} in Omnium`, since: it.since, at: it.there })),
    { says: 'their Omnium ids are written back to Flow', since, at: linked },
  ]
}

const hasParent = (stage: Stage, child: string, parent: string) =>
  stage.inOmnium('B2B', child, (row) => hasRelation(row, 'Parent', parent))

const setParent = (stage: Stage, child: string, parent: string | null): number =>
  stage.atTill(() => {
    const parentCustomer = parent === null ? null : { customerUid: parent }
    return stage.flow.editCustomer(TENANT, child, { parentCustomer })
  })

/** Remembers the companies as they are now, and shows them with what became of them, whatever did. */
function companiesIn(stage: Stage, named: Readonly<Record<string, Typed>>) {
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

function ordered(stage: Stage, { id, customerId, customerType }: WebOrder): Effect[] {
  const at = stage.inFlow(customerId)
  const since = stage.inWebShop(() => stage.omnium.createOrder(TENANT, webOrder(id, customerId, customerType)))
  return [{ says: 'the customer of the order is in Flow', since, at }]
}

const webOrder = (id: string, customerId: string, customerType: string) => ({
  id,
  customerId,
  customerType,
  orderType: 'Online',
  status: 'New',
  marketId: 'NOR',
  storeId: 'web',
  orderForm: { lineItems: [{ code: 'MUG', quantity: 2, placedPrice: 99.5 }] },
})

const PURCHASE = {
  orderUid: 'F-3001',
  storeUid: 'store-7',
  deliveryState: 'DELIVERED',
  externalOrderNumber: null,
  items: [{ productUid: 'MUG', quantity: 1, price: 99.5 }],
}

function describe({ flow, screen }: Stage, id: string, fields: readonly string[]): string {
  const row = flow.customer(TENANT, id) ?? ({} as Record<string, unknown>)
  return `${screen.paint('dim', 'in Flow:')} ${fields.map((field) => row[field]).join(' · ')}`
}
