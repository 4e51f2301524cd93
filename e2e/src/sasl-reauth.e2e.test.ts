import { setTimeout as delay } from 'node:timers/promises'
import { SERVICES } from '@sync/shared/kafka/topics'
import { compareVersions } from '@sync/shared/version'
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import { eventually } from './eventually.ts'
import { company, hasRelation, person, type SecuredWorld, startSecuredWorld } from './secured-world.ts'
import { sharedStack } from './stack.ts'
import { type Answer, flowEvent, postWebhook, statuses } from './webhook-client.ts'
import { TENANT } from './world.ts'

/** `connections.max.reauth.ms` of the broker: each session is renewed as often as in three minutes of 15,000 ms each. */
const MAX_REAUTH_MS = Number(process.env.REAUTH_MS || 3_000)
const LOAD_MS = Number(process.env.REAUTH_LOAD_MS || 36_000)
const PEOPLE = 40
const COMPANIES = 10

const isOnJava = sharedStack().mode === 'jvm'
let world: SecuredWorld
beforeAll(async () => {
  if (isOnJava) world = await startSecuredWorld(MAX_REAUTH_MS)
}, 240_000)
afterAll(() => world?.stop())

const personIds = Array.from({ length: PEOPLE }, (_, n) => `person-${n}`)
const companyIds = Array.from({ length: COMPANIES }, (_, n) => `company-${n}`)
const kindOf = (id: string) => (id.startsWith('person') ? 'B2C' : 'B2B')
const cityOf = (id: string) =>
  (world.omnium.customer(TENANT, kindOf(id), id)?.address as { city?: string } | undefined)?.city
/** Versions that the API wrote to a customer, each with the one before it, where the order is wrong. */
const inversionsOf = (id: string) => {
  const versions = world.omnium.journal
    .writes({ id })
    .filter(({ requestId }) => requestId !== null)
    .flatMap(({ version }) => version ?? [])
  return versions.flatMap((version, i) =>
    i > 0 && compareVersions(version, versions[i - 1]) < 0 ? [`${id}: ${version} after ${versions[i - 1]}`] : [],
  )
}
const notify = (id: string) =>
  postWebhook(`${world.services.get('flow-ingest')!.webhookUrl}/webhooks/flow/${TENANT}`, flowEvent(id), {
    authorization: 'Bearer a-webhook-secret',
  })

describe.runIf(isOnJava)('under load, while the broker ends each session that is not authenticated again', () => {
  it('all webhooks are stored, nothing is parked, and each customer is written in order', {
    timeout: 400_000,
  }, async () => {
    onTestFailed(() => {
      for (const service of world.services.values()) console.error(service.name, service.output().slice(-20_000))
    })
    world.flow.configureTenant(TENANT, { webhook: null })
    for (const id of personIds) world.flow.createCustomer(TENANT, person(id))
    for (const id of companyIds) world.flow.createCustomer(TENANT, company(id))
    const answers: Answer[] = []
    const asked: Promise<unknown>[] = []
    const send = (id: string) => asked.push(notify(id).then((answer) => answers.push(answer)))
    const ids = [...personIds, ...companyIds]
    const rebalances = () =>
      Promise.all(SERVICES.map((name) => world.services.get(name)!.metric('sync_rebalances_total')))
    const joined = await rebalances()

    const until = performance.now() + LOAD_MS
    for (let n = 0; performance.now() < until; n++) {
      const id = ids[n % ids.length]!
      world.flow.editCustomer(TENANT, id, {
        city: `City ${n}`,
        ...(kindOf(id) === 'B2B' &&
          id !== 'company-0' &&
          n % 3 === 0 && { parentCustomer: { customerUid: 'company-0' } }),
      })
      send(id)
      if (n % 50 === 0) world.omnium.createOrder(TENANT, { id: `o${n}`, customerId: `web-${n}`, customerType: 'B2C' })
      await delay(10)
    }
    await Promise.all(asked)

    expect(statuses(answers)).toEqual({ 202: answers.length })
    const last = new Map(ids.map((id) => [id, world.flow.customer(TENANT, id)?.city]))
    await eventually('the last edit of every customer', () => [...last].every(([id, city]) => cityOf(id) === city))
    await eventually('a relation', () => hasRelation(world, 'company-1', 'Parent company-0'))
    expect(ids.flatMap(inversionsOf)).toEqual([])
    for (const name of SERVICES) expect(await world.topics.records(`${name}.dead-letters.v1`)).toEqual([])
    expect(await rebalances()).toEqual(joined)
  })
})
