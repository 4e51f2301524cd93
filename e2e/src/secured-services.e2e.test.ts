import { createAuthority } from '@sync/shared/testing/certificates'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import {
  company,
  hasRelation,
  person,
  readinessOf,
  type SecuredWorld,
  startSecuredWorld,
  untilProblem,
} from './secured-world.ts'
import { startService } from './service-process.ts'
import { sharedStack } from './stack.ts'
import { flowEvent, postWebhook } from './webhook-client.ts'
import { TENANT } from './world.ts'

let world: SecuredWorld
const isOnJava = sharedStack().mode === 'jvm'
beforeAll(async () => {
  if (isOnJava) world = await startSecuredWorld()
}, 240_000)
afterAll(() => world?.stop())

const inOmnium = (id: string) => world.omnium.customer(TENANT, 'B2C', id)
const untilSynced = (id: string) => eventually(`${id} in Omnium`, () => inOmnium(id) !== undefined)

describe.runIf(isOnJava)(
  'services with TLS, and users with the ACLs of the document (needs a broker of its own, on Java)',
  () => {
    it('bring customers from Flow to Omnium, and write both ends of a relation', async () => {
      world.flow.createCustomer(TENANT, person('p1'))
      world.flow.createCustomer(TENANT, company('b1'))
      world.flow.createCustomer(TENANT, company('c1', 'b1'))

      await untilSynced('p1')
      await eventually('the external id in Flow', () => world.flow.customer(TENANT, 'p1')?.externalId === 'p1')
      await eventually(
        'both ends',
        () => hasRelation(world, 'c1', 'Parent b1') && hasRelation(world, 'b1', 'SubDepartment c1'),
      )
    })

    it('bring the customer of a web order to Flow, also when Omnium tells of it on a topic of its own', async () => {
      world.omnium.createCustomer(TENANT, 'B2C', { customerId: 'web', firstName: 'Ola' })
      world.omnium.createOrder(TENANT, { id: 'o1', customerId: 'web', customerType: 'B2C' })
      world.omnium.seed(TENANT, 'B2C', [{ customerId: 'by-kafka', firstName: 'Ola', lastName: 'Eksempel' }])
      const producer = world.kafka.producer()
      await producer.connect()
      const event = { className: 'PrivateCustomer', category: 'Created', objectId: 'by-kafka', user: 'somebody' }
      await producer.send({ topic: world.eventsTopic, messages: [{ value: JSON.stringify(event) }] })
      await producer.disconnect()

      for (const id of ['web', 'by-kafka']) {
        await eventually(`${id} in Flow`, () => world.flow.customer(TENANT, id) !== undefined)
      }
    })

    it('are operated by syncctl as its own user', async () => {
      const { syncctl } = world
      const fault = world.omnium.faults.add({ kind: 'status', status: 400, customerId: 'refused', method: 'POST' })
      world.flow.createCustomer(TENANT, person('refused'))
      const letters = () => syncctl.json<{ reason: string }>('dead-letters', 'list', '--json')
      await eventually('the dead letter', async () => (await letters()).some(({ reason }) => reason === 'refused'))
      world.omnium.faults.remove(fault)

      const of = ['--tenant', TENANT, '--customer', 'refused']
      const replay = ['replay', '--service', 'customer-mapper', '--topic', 'flow.customers.v1', '--from', 'earliest']
      expect((await syncctl('topics', 'check')).code).toBe(0)
      expect((await syncctl('lag')).out).toContain('customer-mapper   nothing waits, 1 parked')
      expect((await syncctl('trace', ...of)).out).toContain('parked(refused)')
      expect((await syncctl('dead-letters', 'redrive', ...of, '--yes')).out).toBe('1 record redriven.\n')
      await untilSynced('refused')
      expect((await syncctl(...replay, '--yes')).code).toBe(0)
      expect((await syncctl('erase', '--tenant', TENANT, '--customer', 'web', '--yes')).code).toBe(0)
    })

    it('read again what they wrote, after a restart, and what syncctl rewound', async () => {
      const rewind = ['--service', 'omnium-ingest', '--topic', 'omnium.notifications.v1', '--from', 'earliest']
      for (const name of ['flow-ingest', 'omnium-ingest'] as const) await world.services.get(name)!.stop()
      expect((await world.syncctl('replay', ...rewind, '--reset-group', '--yes')).code).toBe(0)

      const started = await Promise.all((['flow-ingest', 'omnium-ingest'] as const).map((name) => world.start(name)))

      for (const service of started) {
        await service.untilReady()
        await eventually('its versions', () =>
          service.output().includes('known versions read from the snapshot topics'),
        )
      }
    })

    it('ask for nothing that the ACLs do not allow', async () => {
      expect(await world.secured.denials()).toEqual([])
    })
  },
)

describe.runIf(isOnJava)('a service that the broker does not take (needs a broker of its own, on Java)', () => {
  const noPassword = { KAFKA_SASL_MECHANISM: '', KAFKA_SASL_USERNAME: '', KAFKA_SASL_PASSWORD: '' }
  const wrong = { KAFKA_SASL_PASSWORD: 'hunter2' }
  const untrusting = { KAFKA_SSL_CA_FILE: '', NODE_EXTRA_CA_CERTS: '' }
  const foreign = () => world.clientCertificate(createAuthority('Another CA'), 'foreign')
  it.concurrent.each<[string, string, string, () => Promise<NodeJS.ProcessEnv> | NodeJS.ProcessEnv]>([
    ['a wrong password, by PLAIN', 'kafka', 'Invalid username or password', () => wrong],
    [
      'a wrong password, by SCRAM',
      'kafka',
      'invalid credentials',
      () => ({ ...wrong, KAFKA_SASL_MECHANISM: 'scram-sha-256' }),
    ],
    ['having no password', 'kafka', 'does this port want TLS, or a password?', () => noPassword],
    ['not speaking TLS', 'kafka', 'does this port want TLS', () => ({ KAFKA_SSL: 'false', KAFKA_SSL_CA_FILE: '' })],
    ['not knowing the broker’s authority', 'kafka', 'KAFKA_SSL_CA_FILE', () => untrusting],
    ['a certificate of another authority', 'kafka', 'the broker refuses our certificate', foreign],
    [
      'not knowing the registry’s authority',
      'schema registry',
      'NODE_EXTRA_CA_CERTS',
      () => ({ NODE_EXTRA_CA_CERTS: '' }),
    ],
  ])('for %s waits, is not ready, and says why', async (_why, what, text, settings) => {
    const env = { ...world.env, ...world.envOf('relation-manager'), ...(await settings()) }
    const service = await startService('relation-manager', env)
    try {
      await untilProblem(service, what, text)
      await eventually('the line in its log', () => service.output().includes(`waiting for ${what}: `))

      expect(await readinessOf(service)).toMatchObject({ status: 503, waitingFor: expect.arrayContaining([what]) })
      expect(service.output()).not.toContain('hunter2')
    } finally {
      expect(await service.stop()).toBe(0)
    }
  })
})

describe.runIf(isOnJava)('an ACL that is missing (needs a broker of its own, on Java)', () => {
  it('is named at the start, which waits for it', async () => {
    const { secured } = world
    const topics = [
      ...world.aclsOn('relation-manager', 'READ', 'relation-manager.retry.v1'),
      ...world.aclsOn('relation-manager', 'WRITE', 'sync.outcomes.v1'),
    ]
    const group = world.aclsOn('relation-manager', 'READ', 'relation-manager')
    await world.services.get('relation-manager')!.stop()
    await secured.forbid([...topics, ...group])

    const service = await world.start('relation-manager')

    await untilProblem(service, 'kafka', `READ on topic ${world.prefix}relation-manager.retry.v1`)
    await untilProblem(service, 'kafka', `WRITE on topic ${world.prefix}sync.outcomes.v1`)
    await secured.allow(topics)
    await untilProblem(service, 'consumer group', `READ on group ${world.prefix}relation-manager `)
    await secured.allow(group)
    await service.untilReady()
  })

  it('lets the records that need it wait, parks none of them, and holds up no others', async () => {
    const { secured } = world
    const acls = world.aclsOn('customer-mapper', 'WRITE', 'company.parent-changes.v1')
    await secured.forbid(acls)
    world.flow.createCustomer(TENANT, company('b2'))
    world.flow.createCustomer(TENANT, company('c2', 'b2'))
    await untilProblem(
      world.services.get('customer-mapper')!,
      'producer',
      `WRITE on topic ${world.prefix}company.parent-changes.v1`,
    )

    world.flow.createCustomer(TENANT, person('p2'))
    await untilSynced('p2')
    const parked = (await world.topics.records('customer-mapper.dead-letters.v1')).map(({ key }) => key)
    await secured.allow(acls)

    await eventually(
      'both ends',
      () => hasRelation(world, 'c2', 'Parent b2') && hasRelation(world, 'b2', 'SubDepartment c2'),
    )
    expect(parked).not.toContain(`${TENANT}:c2`)
  })

  it('on the inbox makes webhooks come again', async () => {
    const acls = world.aclsOn('flow-ingest', 'WRITE', 'flow.notifications.v1')
    const url = `${world.services.get('flow-ingest')!.webhookUrl}/webhooks/flow/${TENANT}`
    const post = () => postWebhook(url, flowEvent('p1'), { authorization: 'Bearer a-webhook-secret' })
    await world.secured.forbid(acls)

    const refused = await post()
    await world.secured.allow(acls)

    expect(refused).toMatchObject({ status: 503, retryAfter: expect.any(String) })
    expect(await world.secured.denials()).toContain(
      `flow-ingest WRITE Topic:${world.prefix}flow.notifications.v1 (Produce)`,
    )
    await eventually('the answer 202', async () => (await post()).status === 202)
  })

  it('on what a service reads is survived, and told', async () => {
    const service = world.services.get('customer-mapper')!
    const acls = world.aclsOn('customer-mapper', 'READ', 'flow.customers.v1')
    await world.secured.forbid(acls)
    await untilProblem(service, 'consumer group', `on topic ${world.prefix}flow.customers.v1`)
    world.flow.createCustomer(TENANT, person('p3'))
    expect(await readinessOf(service)).toMatchObject({ status: 503, waitingFor: ['consumer group'] })

    await world.secured.allow(acls)

    await untilSynced('p3')
  })

  it('of syncctl is told in one line', async () => {
    const acls = world.aclsOn('syncctl', 'READ', 'customer-mapper.dead-letters.v1')
    await world.secured.forbid(acls)

    const { code, err } = await world.syncctl('dead-letters', 'list')
    await world.secured.allow(acls)

    expect(code).toBe(1)
    expect(err).toMatch(/^syncctl: no ACL allows us READ on topic \S+customer-mapper\.dead-letters\.v1 .*\n$/)
  })
})

describe.runIf(isOnJava)('a password that is changed under a service (needs a broker of its own, on Java)', () => {
  it('is told once the connection is lost, and all goes on when it is right again', async () => {
    const service = world.services.get('customer-mapper')!
    await world.secured.changePassword('customer-mapper', 'another')
    await world.secured.kafka.stop('SIGKILL')
    await world.secured.kafka.start()
    await untilProblem(service, 'consumer group', 'invalid credentials')
    world.flow.createCustomer(TENANT, person('p4'))
    expect(await readinessOf(service)).toMatchObject({ status: 503 })

    await world.secured.changePassword('customer-mapper')

    await untilSynced('p4')
    await service.untilReady()
  })
})
