import type { Stack } from '@sync/sandbox/stack'
import { SERVICES } from '@sync/shared/kafka/topics'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freeze } from './freeze.ts'
import { sharedStack, startOwnStack } from './stack.ts'
import { flowEvent, postWebhook } from './webhook-client.ts'
import { startWorld, TENANT, type World } from './world.ts'

describe.runIf(sharedStack().mode === 'jvm')('a stop while the broker is in trouble', () => {
  let stack: Stack
  let world: World
  beforeAll(async () => {
    stack = await startOwnStack()
    world = await startWorld({
      ...{ file: 'stop-broker', services: [], stack },
      env: { KAFKA_SESSION_TIMEOUT_MS: '10000', SWEEP_INTERVAL_MS: '1000' },
    })
  })
  afterAll(async () => {
    await world?.stop()
    await stack?.stop()
  })

  const givenServicesAtWork = async () => {
    const services = await Promise.all(SERVICES.map((name) => world.start(name)))
    await Promise.all(services.map((service) => service.untilReady()))
    const post = (customer: string) =>
      postWebhook(`${world.services.get('flow-ingest')!.webhookUrl}/webhooks/flow/${TENANT}`, flowEvent(customer), {
        authorization: 'Bearer a-webhook-secret',
      })
    const posted = Array.from({ length: 50 }, (_, index) => post(`customer-${index}`))
    // The others are under way, and may be answered by nobody.
    void Promise.allSettled(posted)
    await Promise.all(posted.slice(0, 25))
    return services
  }
  const stopAll = async (services: Awaited<ReturnType<typeof givenServicesAtWork>>) => {
    const ends = await Promise.all(services.map(async (service) => [service.name, await service.stop()] as const))
    for (const { output } of services) expect(output()).not.toContain('stopping took too long')
    expect(Object.fromEntries(ends)).toEqual(Object.fromEntries(SERVICES.map((name) => [name, 0])))
  }

  it('ends in time, with 0, when the broker answers nothing', async () => {
    const services = await givenServicesAtWork()
    try {
      await freeze(stack.local!.pids().kafka!)
      await stopAll(services)
    } finally {
      process.kill(stack.local!.pids().kafka!, 'SIGCONT')
    }
  })

  it('ends in time, with 0, when the broker is gone', async () => {
    const services = await givenServicesAtWork()
    await stack.kafka!.stop('SIGKILL')
    try {
      await stopAll(services)
    } finally {
      await stack.kafka!.start()
    }
  })

  it('ends in time, with 0, when the broker has just come back', async () => {
    const services = await givenServicesAtWork()
    await stack.kafka!.stop('SIGKILL')
    await stack.kafka!.start()

    await stopAll(services)
  })
})
