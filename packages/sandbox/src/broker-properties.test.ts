import { describe, expect, test } from 'vitest'
import { LONE_BROKER, renderContainerEnv, renderServerProperties, scramOf } from './broker-properties.ts'

const linesOf = (text: string) => text.trimEnd().split('\n')

describe('server.properties', () => {
  const rendered = linesOf(renderServerProperties({ brokerPort: 20001, controllerPort: 20002, dataFolder: '/data' }))

  test('listens on loopback only, and tells its clients the address that it listens on', () => {
    expect(rendered).toContain('listeners=PLAINTEXT://127.0.0.1:20001,CONTROLLER://127.0.0.1:20002')
    expect(rendered).toContain('advertised.listeners=PLAINTEXT://127.0.0.1:20001')
    expect(rendered).toContain('controller.quorum.voters=1@127.0.0.1:20002')
  })

  test('keeps its data where it is told', () => {
    expect(rendered).toContain('log.dirs=/data')
  })

  test.each(Object.keys(LONE_BROKER).filter((key) => key.endsWith('.replication.factor')))(
    '%s asks for no second broker',
    (key) => {
      expect(rendered).toContain(`${key}=1`)
    },
  )

  test('makes no topic by itself, and lets a group start at once', () => {
    expect(rendered).toContain('auto.create.topics.enable=false')
    expect(rendered).toContain('group.initial.rebalance.delay.ms=0')
  })

  test('sets nothing twice', () => {
    const keys = rendered.map((line) => line.slice(0, line.indexOf('=')))
    expect(new Set(keys).size).toBe(keys.length)
  })
})

describe('server.properties of one of three brokers', () => {
  const place = { brokerPort: 20003, controllerPort: 20004, dataFolder: '/data', nodeId: 2 }
  const rendered = linesOf(renderServerProperties({ ...place, controllerPorts: [20002, 20004, 20006] }))

  test('names all controllers, and itself by its id', () => {
    expect(rendered).toContain('node.id=2')
    expect(rendered).toContain('controller.quorum.voters=1@127.0.0.1:20002,2@127.0.0.1:20004,3@127.0.0.1:20006')
  })

  test.each(Object.keys(LONE_BROKER).filter((key) => key.endsWith('.replication.factor')))(
    '%s asks for three',
    (key) => {
      expect(rendered).toContain(`${key}=3`)
    },
  )

  test('acknowledges what two of three have, and sets nothing twice', () => {
    const keys = rendered.map((line) => line.slice(0, line.indexOf('=')))

    expect(rendered).toContain('min.insync.replicas=2')
    expect(new Set(keys).size).toBe(keys.length)
  })
})

describe('server.properties of a secured broker', () => {
  const security = {
    keystoreFile: '/tls/broker.pem',
    truststoreFile: '/tls/ca.pem',
    superUser: 'admin',
    passwords: { admin: 'a-secret', 'flow-ingest': 'b-secret' },
  }
  const place = { brokerPort: 20001, controllerPort: 20002, dataFolder: '/data' }
  const rendered = linesOf(renderServerProperties(place, security))

  test('has no listener that takes clients without TLS and SASL', () => {
    expect(rendered).toContain('listeners=SASL_SSL://127.0.0.1:20001,CONTROLLER://127.0.0.1:20002')
    expect(rendered).toContain('listener.security.protocol.map=SASL_SSL:SASL_SSL,CONTROLLER:SASL_PLAINTEXT')
    expect(rendered.join('\n')).not.toContain('PLAINTEXT:PLAINTEXT')
  })

  test('allows nothing that no ACL allows', () => {
    expect(rendered).toContain('allow.everyone.if.no.acl.found=false')
    expect(rendered).toContain('super.users=User:admin')
  })

  test('knows every user by every mechanism', () => {
    const plain = rendered.find((line) => line.startsWith('listener.name.sasl_ssl.plain.'))
    expect(plain).toContain('user_flow-ingest="b-secret"')
    expect(scramOf(security)).toEqual(
      expect.arrayContaining([
        'SCRAM-SHA-256=[name=admin,password=a-secret]',
        'SCRAM-SHA-512=[name=flow-ingest,password=b-secret]',
      ]),
    )
  })

  test('ends sessions only when told after which time', () => {
    const name = 'listener.name.sasl_ssl.connections.max.reauth.ms'
    expect(rendered.join('\n')).not.toContain(name)
    expect(linesOf(renderServerProperties(place, { ...security, maxReauthMs: 3_000 }))).toContain(`${name}=3000`)
  })

  test('sets nothing twice', () => {
    const keys = rendered.map((line) => line.slice(0, line.indexOf('=')))
    expect(new Set(keys).size).toBe(keys.length)
  })
})

test("a container's settings are variables named after the properties", () => {
  expect(renderContainerEnv({ 'node.id': '1', listeners: 'PLAINTEXT://:9092' })).toEqual({
    KAFKA_NODE_ID: '1',
    KAFKA_LISTENERS: 'PLAINTEXT://:9092',
  })
})
