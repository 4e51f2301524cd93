import { Parser } from '@asyncapi/parser'
import { clusterEnv } from '@sync/shared/config'
import { CONTRACTS } from '@sync/shared/contracts/contracts'
import { jsonSchemaOf } from '@sync/shared/contracts/json-schema'
import { CONTRACT_TOPICS, isContractTopic, SERVICES, TOPICS } from '@sync/shared/kafka/topics'
import { describe, expect, it, test } from 'vitest'
import { asyncApi } from './asyncapi.ts'
import { asyncApiProblems, partOf } from './testing/schemas.ts'
import { asYaml, type Json } from './yaml.ts'

const document = asyncApi()
const problemsOf = asyncApiProblems(document)

const parser = new Parser()
const SEVERITIES = ['error', 'warning', 'information', 'hint']
/** What AsyncAPI's own parser has to say. */
const diagnosticsOf = async (text: string) =>
  (await parser.validate(text)).map(
    ({ severity, path, message }) => `${SEVERITIES[severity]} at ${path.join('.')}: ${message}`,
  )

describe("AsyncAPI's own parser", () => {
  it('has nothing to say against the document', async () => {
    expect(await diagnosticsOf(asYaml(document))).toEqual([])
  })

  it.each<[string, (text: string) => string, RegExp]>([
    ['an action of version 2', (text) => text.replace('action: send', 'action: publish'), /^error at operations/m],
    ['a channel that is not there', (text) => text.replace('#/channels/flow.orders.v1', '#/channels/none'), /^error/m],
    [
      'a contract that is no JSON Schema',
      (text) => text.replace('additionalProperties: false', 'additionalProperties: none'),
      /^error at components.schemas/m,
    ],
    [
      'a retention in words',
      (text) => text.replace('retention.ms: 604800000', 'retention.ms: a week'),
      /^error at channels/m,
    ],
  ])('finds %s', async (_case, spoil, expected) => {
    const text = asYaml(document)
    const spoilt = spoil(text)

    expect(spoilt).not.toBe(text)
    expect((await diagnosticsOf(spoilt)).join('\n')).toMatch(expected)
  })
})

describe('the document holds the topic table', () => {
  const channels = partOf<Record<string, Json>>(document, 'channels')

  test('every topic, and no other', () => {
    expect(Object.keys(channels)).toEqual(TOPICS.map(({ name }) => name))
  })

  test.each(TOPICS)('$name as it is created', ({ name, key, config }) => {
    const channel = channels[name]!
    const configuration = partOf<Json>(channel, 'bindings', 'kafka', 'topicConfiguration')

    expect(channel.address).toBe(name)
    for (const [setting, value] of Object.entries(config)) expect(String(configuration[setting]), setting).toBe(value)
    for (const { $ref } of Object.values(partOf<Record<string, { $ref: string }>>(channel, 'messages'))) {
      const message = partOf(document, ...$ref.split('/').slice(1))
      expect(partOf(message, 'bindings', 'kafka', 'key', 'description')).toBe(key)
    }
  })

  test('every writer sends and every reader receives, and each says which messages', () => {
    const operations = Object.values(partOf<Record<string, Json>>(document, 'operations'))
    const told = operations.map(
      (it) =>
        `${partOf(it, 'tags', 0, 'name')} ${it.action} ${partOf<string>(it, 'channel', '$ref').split('/').at(-1)}`,
    )

    const expected = TOPICS.flatMap(({ name, writers, readers, lookedUpBy = [] }) => [
      ...writers.map((who) => `${who} send ${name}`),
      ...[...readers, ...lookedUpBy].map((who) => `${who} receive ${name}`),
    ])
    expect(told.toSorted()).toEqual(expected.toSorted())
    for (const { messages } of operations) expect(messages).not.toEqual([])
    for (const service of SERVICES) {
      expect(told.some((it) => it.startsWith(`${service} send `))).toBe(true)
      expect(told.some((it) => it.startsWith(`${service} receive `))).toBe(true)
    }
  })
})

test('every way to authenticate that the environment knows, and no other', () => {
  const mechanisms = clusterEnv.KAFKA_SASL_MECHANISM.unwrap().options.map((name) => name.replaceAll('-', ''))
  const schemes = Object.values(partOf<Record<string, { type: string }>>(document, 'components', 'securitySchemes'))

  expect(schemes.map(({ type }) => type.toLowerCase()).toSorted()).toEqual(mechanisms.toSorted())
  expect(partOf(document, 'servers', 'sasl', 'security')).toHaveLength(mechanisms.length)
})

describe('the contract of', () => {
  test.each(CONTRACT_TOPICS)('%s is the registered one, in the draft that the document names', (topic) => {
    const { schemaFormat, schema } = partOf<{ schemaFormat: string; schema: Json }>(
      document,
      ...['components', 'schemas', topic],
    )

    expect(schemaFormat).toBe('application/schema+json;version=draft-07')
    expect(schema.$schema).toBe('http://json-schema.org/draft-07/schema#')
    expect(withoutDescriptions(schema)).toEqual(jsonSchemaOf(topic))
  })
})

const withoutDescriptions = (schema: unknown): unknown =>
  JSON.parse(
    JSON.stringify(schema, (name, value) => (name === 'description' && typeof value === 'string' ? undefined : value)),
  )

describe('the examples of', () => {
  const messages = partOf<Record<string, Json>>(document, 'components', 'messages')

  test.each(Object.keys(messages))('%s keep to its schemas', (id) => {
    const examples = partOf<{ headers: Json; payload: unknown }[]>(messages[id]!, 'examples')

    expect(examples.length).toBeGreaterThan(0)
    for (const { headers, payload } of examples) {
      expect(problemsOf(`/components/messages/${id}/headers`, headers)).toEqual([])
      expect(problemsOf(`/components/messages/${id}/payload/schema`, payload)).toEqual([])
      if (isContractTopic(id)) expect(CONTRACTS[id].parse(payload)).toEqual(payload)
    }
  })

  test.each(CONTRACT_TOPICS)('%s would not, with a field more or less', (topic) => {
    const payload = partOf<Json>(messages[topic]!, 'examples', 0, 'payload')
    const { tenant: _tenant, ...less } = payload

    expect(problemsOf(`/components/messages/${topic}/payload/schema`, { ...payload, more: 1 })).not.toEqual([])
    expect(problemsOf(`/components/messages/${topic}/payload/schema`, less)).not.toEqual([])
  })
})
