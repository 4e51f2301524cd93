import type { Stack } from '@sync/sandbox/stack'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { freeze } from './freeze.ts'
import type { ServiceProcess } from './service-process.ts'
import { sharedStack, startOwnStack } from './stack.ts'
import { type Answer, flowEvent, postWebhook, statuses } from './webhook-client.ts'
import { startWorld, TENANT, type World } from './world.ts'

const OTHER = 'other-no'
/** Flow gives up after 10 s; what we may take of that, with the way there and back. */
const PATIENCE_MS = 8_500

describe.runIf(sharedStack().mode === 'jvm')('webhooks while the broker is in trouble', () => {
  let stack: Stack
  let world: World
  let service: ServiceProcess
  const stored: string[] = []
  let sent = 0

  beforeAll(async () => {
    stack = await startOwnStack()
    world = await startWorld({ file: 'webhooks-broker', services: ['flow-ingest'], tenants: [TENANT, OTHER], stack })
    service = world.services.get('flow-ingest')!
  })
  afterAll(async () => {
    await world?.stop()
    await stack?.stop()
  })

  /** A webhook of a customer of its own, who is kept in mind when it was accepted. */
  const post = async (tenant = TENANT): Promise<Answer> => {
    const uid = `customer-${++sent}`
    const url = `${service.webhookUrl}/webhooks/flow/${tenant}`
    const answer = await postWebhook(url, flowEvent(uid), { authorization: 'Bearer a-webhook-secret' })
    if (answer.status === 202) stored.push(`${tenant}:${uid}`)
    return answer
  }
  const posts = (count: number, tenant = TENANT) => Promise.all(Array.from({ length: count }, () => post(tenant)))
  const expectRefusedInTime = (answers: readonly Answer[]) => {
    expect(Math.max(...answers.map(({ tookMs }) => tookMs))).toBeLessThan(PATIENCE_MS)
    for (const { status, retryAfter } of answers) if (status !== 202) expect([status, retryAfter]).toEqual([503, '5'])
  }
  const rssBytes = () => service.metric('process_resident_memory_bytes')
  const shed = () => service.metric('sync_webhooks_total', { answer: 'overloaded' })

  it('are not acknowledged before the broker has, and refused with 503 in time while it hangs', async () => {
    expect(statuses(await posts(20))).toEqual({ 202: 20 })
    await freeze(stack.local!.pids().kafka!)
    const answers: Answer[] = []
    try {
      // A sender's rate, for longer than its patience.
      const asked: Promise<unknown>[] = []
      for (let i = 0; i < 60; i++) {
        asked.push(post().then((answer) => answers.push(answer)))
        await new Promise((resolve) => setTimeout(resolve, 150))
      }
      await Promise.all(asked)
    } finally {
      process.kill(stack.local!.pids().kafka!, 'SIGCONT')
    }

    expect(statuses(answers)).toEqual({ 503: 60 })
    expectRefusedInTime(answers)
    expect((await fetch(`${service.adminUrl}/live`)).status).toBe(200)
    await eventually('webhooks being stored again', async () => (await post()).status === 202)
  })

  it('are shed at once past the bound, and one tenant’s storm leaves room for another', async () => {
    await freeze(stack.local!.pids().kafka!)
    let storm: Answer[]
    let other: Answer[]
    try {
      const stormed = posts(900)
      await eventually('the storm being shed', async () => (await shed()) > 0)
      other = await posts(20, OTHER)
      storm = await stormed
    } finally {
      process.kill(stack.local!.pids().kafka!, 'SIGCONT')
    }

    expect([...storm, ...other].filter(({ status }) => status !== 503)).toEqual([])
    expectRefusedInTime([...storm, ...other])
    // 500 of the 1,000 are this tenant's; none of the other's was shed.
    expect(await shed()).toBe(400)
    await eventually('webhooks being stored again', async () => (await post()).status === 202)
  })

  it('are refused while it is away, take no memory, and are stored again without a restart', async () => {
    const before = await rssBytes()
    await stack.kafka!.stop('SIGKILL')
    const answers: Answer[] = []
    for (let round = 0; round < 20; round++) answers.push(...(await posts(200)))

    expect(service.output()).not.toContain('"level":"fatal"')
    expect(statuses(answers)).toEqual({ 503: 4_000 })
    expectRefusedInTime(answers)
    expect((await fetch(`${service.adminUrl}/ready`)).status).toBe(503)
    expect((await rssBytes()) - before).toBeLessThan(100_000_000)
    await stack.kafka!.start()
    await eventually('fifty webhooks at once being stored', async () => statuses(await posts(50))[202] === 50)
    await eventually('readiness', async () => (await fetch(`${service.adminUrl}/ready`)).status === 200)
  })

  it('and whatever was acknowledged is on the topic', async () => {
    const missing = async () => {
      const keys = new Set((await world.topics.records('flow.notifications.v1')).map(({ key }) => key))
      return stored.filter((key) => !keys.has(key))
    }

    expect(stored.length).toBeGreaterThan(70)
    await eventually('all of it', async () => (await missing()).length === 0)
  })
})
