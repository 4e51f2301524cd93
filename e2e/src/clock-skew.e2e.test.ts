import { afterAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { startWorld, TENANT, type World } from './world.ts'

const MINUTES = 60_000
const worlds: World[] = []
afterAll(() => Promise.all(worlds.map((world) => world.stop())))

describe.each([
  ['behind', -7 * MINUTES],
  ['ahead', 7 * MINUTES],
])('clocks of both peers that are minutes %s ours', (_, skewMs) => {
  const now = () => Date.now() + skewMs

  it('change nothing: edits are applied in their order, and a sweep finds what no webhook told of', async () => {
    const world = await startWorld({
      file: 'skew',
      env: { SWEEP_INTERVAL_MS: '500', SWEEP_OVERLAP_MS: '1000', KAFKA_SESSION_TIMEOUT_MS: '6000' },
      flow: { now },
      omnium: { now },
    })
    worlds.push(world)
    const phone = () => world.omnium.customer(TENANT, 'B2C', '1')?.phone
    world.flow.createCustomer(TENANT, { customerUid: '1', customerType: 'PERSON', firstname: 'Kari', lastname: 'E' })
    for (let n = 1; n <= 20; n++) world.flow.editCustomer(TENANT, '1', { mobile: `+47000000${n}` })
    await eventually('the last edit', () => phone() === '+4700000020')

    world.flow.configureTenant(TENANT, { webhook: null })
    world.omnium.configureTenant(TENANT, { webhook: null })
    world.flow.editCustomer(TENANT, '1', { mobile: '+4700000099' })
    world.omnium.createCustomer(TENANT, 'B2C', { customerId: 'w', firstName: 'Nett', lastName: 'Kunde' })

    await eventually('the edit that no webhook told of', () => phone() === '+4700000099')
    await eventually('the web customer', () => world.flow.customer(TENANT, 'w') !== undefined)
    expect(await world.topics.records('customer-mapper.dead-letters.v1')).toEqual([])
  })
})
