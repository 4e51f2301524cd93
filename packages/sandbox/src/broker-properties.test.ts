import { describe, expect, test } from 'vitest'
import { LONE_BROKER, renderContainerEnv, renderServerProperties } from './broker-properties.ts'

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

test("a container's settings are variables named after the properties", () => {
  expect(renderContainerEnv({ 'node.id': '1', listeners: 'PLAINTEXT://:9092' })).toEqual({
    KAFKA_NODE_ID: '1',
    KAFKA_LISTENERS: 'PLAINTEXT://:9092',
  })
})
