import { allRegistered, companiesIn, describe, hasParent, ordered, registered, setParent, webOrder } from './acts.ts'
import { ANNE, BAKERY, BJORN, FLORIST, GROCER, KARI, NORTH, OLA, PELLE, SIST, SOUTH } from './cast.ts'
import { hasRelation, propertyOf } from './relation-view.ts'
import type { Effect, Step } from './stage.ts'
import { TENANT } from './system.ts'

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
        const ids = stage.log
          .records(topic)
          .map(({ key, value }) => `${(value as { id?: string } | null)?.id} (${key})`)
        stage.show([stage.screen.paint('dim', `${topic}:`), ...ids.map((id) => `  ${id}`)])
      }
    },
  },
]

const PURCHASE = {
  orderUid: 'F-3001',
  storeUid: 'store-7',
  deliveryState: 'DELIVERED',
  externalOrderNumber: null,
  items: [{ productUid: 'MUG', quantity: 1, price: 99.5 }],
}
