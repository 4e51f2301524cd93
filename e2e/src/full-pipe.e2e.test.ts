import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import type { ServiceProcess } from './service-process.ts'
import { type Answer, flowEvent, postWebhook } from './webhook-client.ts'
import { startWorld, TENANT, type World } from './world.ts'

const SESSION_MS = 6_000
/** Far below the 10 s after which Flow gives up. */
const ANSWERED_WITHIN_MS = 2_000
const CUSTOMERS = 20
const AT_ONCE = 20
/** Far above the lines of this many records. */
const MAX_WEBHOOKS = 20_000

let world: World
let ingest: ServiceProcess
let mapper: ServiceProcess
beforeAll(async () => {
  world = await startWorld({
    file: 'full-pipe',
    services: ['flow-ingest', 'customer-mapper'],
    env: { LOG_LEVEL: 'debug', KAFKA_SESSION_TIMEOUT_MS: String(SESSION_MS) },
  })
  ingest = world.services.get('flow-ingest')!
  mapper = world.services.get('customer-mapper')!
  // Every webhook is sent by hand.
  world.flow.configureTenant(TENANT, { webhook: null })
})
afterAll(async () => {
  // A process that waits for its reader does not hear SIGTERM.
  for (const service of world?.services.values() ?? []) service.readAgain()
  await world?.stop()
})

const ids = Array.from({ length: CUSTOMERS }, (_, n) => `piped-${n}`)
const cityOf = (id: string) =>
  (world.omnium.customer(TENANT, 'B2C', id)?.address as { city?: string } | undefined)?.city
const droppedBy = (service: ServiceProcess) => service.metric('sync_log_lines_dropped_total')
const rebalances = () => Promise.all([ingest, mapper].map((service) => service.metric('sync_rebalances_total')))

let edits = 0
/** Edits customers, one after the other, and tells of each edit; answers how the webhooks were answered. */
const editSome = (): Promise<Answer[]> =>
  Promise.all(
    Array.from({ length: AT_ONCE }, () => {
      const id = ids[edits++ % CUSTOMERS]!
      world.flow.editCustomer(TENANT, id, { city: `City ${edits}` })
      return postWebhook(`${ingest.webhookUrl}/webhooks/flow/${TENANT}`, flowEvent(id), {
        authorization: 'Bearer a-webhook-secret',
      })
    }),
  )

describe('services whose outputs nobody reads any more', () => {
  it('answer webhooks, end records, stay in their groups and count the lines that they drop', async () => {
    for (const customerUid of ids) {
      world.flow.createCustomer(TENANT, {
        customerUid,
        customerType: 'PERSON',
        firstname: 'Kari',
        lastname: 'Eksempel',
      })
    }
    const answers: Answer[] = []
    const joined = await rebalances()

    for (const service of [ingest, mapper]) service.stopReading()
    const isDropping = async () => (await Promise.all([ingest, mapper].map(droppedBy))).every((count) => count > 0)
    do {
      answers.push(...(await editSome()))
      expect(answers.filter(({ status, tookMs }) => status !== 202 || tookMs > ANSWERED_WITHIN_MS)).toEqual([])
    } while (!(await isDropping()) && answers.length < MAX_WEBHOOKS)
    expect(await isDropping()).toBe(true)
    // Whoever does not heartbeat is out of the group by now.
    const until = performance.now() + SESSION_MS + 2_000
    while (performance.now() < until) answers.push(...(await editSome()))

    expect(answers.filter(({ status, tookMs }) => status !== 202 || tookMs > ANSWERED_WITHIN_MS)).toEqual([])
    const last = new Map(ids.map((id) => [id, world.flow.customer(TENANT, id)?.city]))
    await eventually('the last edit of every customer', () => [...last].every(([id, city]) => cityOf(id) === city))
    expect(await rebalances()).toEqual(joined)
  })

  it('go on where their reader goes on, and say how many lines are missing', async () => {
    ingest.readAgain()

    await eventually('the line about the gap', () =>
      /"count":[1-9]\d*,"msg":"log lines were dropped/.test(ingest.output()),
    )
    // The test keeps only the end of the output.
    for (const line of ingest.output().split('\n').slice(1, -1)) expect(() => JSON.parse(line), line).not.toThrow()
  })

  it('end in time on SIGTERM, whether they are read or not', async () => {
    const startedAt = performance.now()

    expect(await Promise.all([ingest, mapper].map((service) => service.stop()))).toEqual([0, 0])
    expect(performance.now() - startedAt).toBeLessThan(15_000)
    expect(ingest.output()).toContain('"msg":"stopping"')
  })
})
