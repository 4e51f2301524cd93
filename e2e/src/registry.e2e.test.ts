import type { Stack } from '@sync/sandbox/stack'
import { createContracts } from '@sync/shared/contracts/registry'
import { SERVICES } from '@sync/shared/kafka/topics'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import type { ServiceProcess } from './service-process.ts'
import { sharedStack, startOwnStack } from './stack.ts'
import { startWorld, TENANT, type World } from './world.ts'

describe.runIf(sharedStack().mode === 'jvm')('a schema registry that is away', () => {
  let stack: Stack
  let world: World
  beforeAll(async () => {
    stack = await startOwnStack()
    world = await startWorld({ file: 'registry', services: [], stack, env: { KAFKA_SESSION_TIMEOUT_MS: '6000' } })
  })
  afterAll(async () => {
    await world?.stop()
    await stack?.stop()
  })

  const register = () => createContracts({ registryUrl: stack.registryUrl, prefix: world.prefix }).register()
  /** It has found the broker, and goes no further. */
  const untilItWaits = ({ adminUrl }: ServiceProcess) =>
    eventually('waiting for the registry alone', async () => {
      const answer = await fetch(`${adminUrl}/ready`).catch(() => null)
      if (answer?.status !== 503) return false
      const { waitingFor } = (await answer.json()) as { waitingFor: string[] }
      return waitingFor.includes('schema registry') && !waitingFor.includes('kafka')
    })
  const create = (customerUid: string) =>
    world.flow.createCustomer(TENANT, { customerUid, customerType: 'PERSON', firstname: 'Kari', lastname: 'Eksempel' })
  const isInOmnium = (id: string) => world.omnium.customer(TENANT, 'B2C', id) !== undefined

  it('at the start is waited for, and its contracts too, and then all goes on by itself', async () => {
    await stack.registry!.stopAndLoseData()
    const services = await Promise.all(SERVICES.map((name) => world.start(name)))
    for (const service of services) await untilItWaits(service)

    await stack.registry!.start()
    for (const { output } of services) {
      await eventually('the command in the log', () => output().includes('syncctl topics apply'))
    }
    await register()

    for (const service of services) await service.untilReady()
    create('first')
    await eventually('the customer in Omnium', () => isInOmnium('first'))
  })

  it('at the start, while the broker goes away too, is waited for, and the broker as well', async () => {
    const mapper = world.services.get('customer-mapper')!
    await mapper.stop()
    await stack.registry!.stop()
    const restarted = await world.start('customer-mapper')
    await untilItWaits(restarted)
    await stack.kafka!.stop('SIGKILL')
    await stack.registry!.start()
    await eventually('the broker being missed', () => restarted.output().includes('waiting for consumer group'))

    await stack.kafka!.start()

    await restarted.untilReady()
    create('meanwhile')
    await eventually('the customer in Omnium', () => isInOmnium('meanwhile'))
  })

  it('takes nothing from services that know their contracts', async () => {
    await stack.registry!.stop()

    create('second')

    await eventually('the customer in Omnium', () => isInOmnium('second'))
  })

  it('and comes back empty makes records wait in a process that asks it, and parks none', async () => {
    const mapper = world.services.get('customer-mapper')!
    mapper.signal('SIGKILL')
    await mapper.exited
    create('third')
    await stack.registry!.stopAndLoseData()
    await stack.registry!.start()
    const restarted = await world.start('customer-mapper')
    await untilItWaits(restarted)

    await register()

    await eventually('the customer in Omnium', () => isInOmnium('third'))
    for (const service of SERVICES) expect(await world.topics.records(`${service}.dead-letters.v1`)).toEqual([])
  })
})
