import { describedSchemaOf } from '@sync/shared/contracts/json-schema'
import {
  CONTRACT_TOPICS,
  type ContractTopic,
  isContractTopic,
  retryTopicOf,
  SERVICES,
  type ServiceName,
  TOPICS,
  type TopicName,
  type TopicSpec,
} from '@sync/shared/kafka/topics'
import { BINDING_VERSION } from './asyncapi-servers.ts'
import { discarded, EXAMPLES, type Example, erased, inLane, setAside } from './message-examples.ts'
import { DeadLetterHeaders, headersSchema, LaneHeaders, MarkerHeaders, RecordHeaders } from './message-headers.ts'
import type { Json } from './yaml.ts'

/** What the registry holds: JSON Schema of this draft. */
const SCHEMA_FORMAT = 'application/schema+json;version=draft-07'

/** One of the kinds of message on a topic. */
export interface TopicMessage {
  /** Its name on the channel; `record` is what the topic is for. */
  readonly name: 'record' | 'tombstone' | 'marker'
  /** Its name among the document's messages. */
  readonly id: string
  readonly writers: readonly string[]
  readonly message: Json
}

interface Parts {
  readonly summary: string
  readonly key: string
  readonly headers: Json
  readonly payload: Json
  readonly examples: readonly Example[]
}

const messageOf = (id: string, { summary, key, headers, payload, examples }: Parts): Json => ({
  name: id,
  summary,
  contentType: 'application/json',
  headers,
  payload: { schemaFormat: SCHEMA_FORMAT, schema: payload },
  ...(headers !== HEADERS.marker && { correlationId: { $ref: '#/components/correlationIds/trace' } }),
  bindings: {
    kafka: {
      key: { type: 'string', description: key },
      ...(payload !== NULL && WIRE_FORMAT),
      bindingVersion: BINDING_VERSION,
    },
  },
  examples,
})

/** Confluent's: the schema's id stands before the JSON. */
const WIRE_FORMAT = {
  schemaIdLocation: 'payload',
  schemaIdPayloadEncoding: 'confluent',
  schemaLookupStrategy: 'TopicNameStrategy',
}

const HEADERS = {
  record: { $ref: '#/components/schemas/record-headers' },
  lane: { $ref: '#/components/schemas/lane-headers' },
  letter: { $ref: '#/components/schemas/dead-letter-headers' },
  marker: { $ref: '#/components/schemas/marker-headers' },
}
const NULL: Json = { type: 'null' }
const ANYTHING: Json = {}
const payloadOf = (topic: ContractTopic): Json => ({ $ref: `#/components/schemas/${topic}/schema` })

/** The topics whose records a service handles, and so may defer or set aside. */
export const handledBy = (service: ServiceName): readonly ContractTopic[] =>
  TOPICS.filter(({ readers }) => readers.includes(service))
    .map(({ name }) => name)
    .filter(isContractTopic)
    .filter((name) => name !== 'sync.cursors.v1')

/** Where compaction forgets a person: the hydrating service and `syncctl erase` write tombstones there. */
const ERASABLE: readonly TopicName[] = ['flow.customers.v1', 'omnium.customers.v1']

/** The kinds of message that a topic of the table holds. */
export function messagesOf(spec: TopicSpec): readonly TopicMessage[] {
  if (isContractTopic(spec.name)) return contractMessages(spec, spec.name)
  const service = SERVICES.find((name) => spec.name.startsWith(`${name}.`))!
  return spec.name === retryTopicOf(service) ? laneMessages(spec, service) : letterMessages(spec, service)
}

function contractMessages({ key, value, writers }: TopicSpec, topic: ContractTopic): readonly TopicMessage[] {
  const message = messageOf(topic, {
    ...{ summary: value, key, headers: HEADERS.record },
    ...{ payload: payloadOf(topic), examples: EXAMPLES[topic] },
  })
  if (!ERASABLE.includes(topic)) return [{ name: 'record', id: topic, writers, message }]
  const id = `${topic}.tombstone`
  const tombstone = messageOf(id, {
    ...{ summary: 'No value: compaction forgets the customer.', key, headers: HEADERS.record },
    ...{ payload: NULL, examples: [erased] },
  })
  return [
    { name: 'record', id: topic, writers: writers.filter((writer) => writer !== 'syncctl'), message },
    { name: 'tombstone', id, writers, message: tombstone },
  ]
}

function laneMessages({ name: id, key, writers }: TopicSpec, service: ServiceName): readonly TopicMessage[] {
  const topics = handledBy(service)
  const message = messageOf(id, {
    summary:
      `A record of ${topics.join(', ')}, to be handled again out of its place: the original bytes, whatever they are, so ` +
      'one that breaks its contract is found out when it is handled.',
    ...{ key, headers: { allOf: [HEADERS.record, HEADERS.lane] } },
    payload: { anyOf: [...topics.map(payloadOf), NULL] },
    examples: [inLane(topics[0]!)],
  })
  return [{ name: 'record', id, writers, message }]
}

function letterMessages({ name: id, key }: TopicSpec, service: ServiceName): readonly TopicMessage[] {
  const topics = handledBy(service)
  const letter = messageOf(id, {
    summary: `A record of ${topics.join(', ')} that was set aside: the original bytes, which may break every contract.`,
    ...{ key, headers: HEADERS.letter, payload: ANYTHING, examples: [setAside(topics[0]!)] },
  })
  const markerId = `${id}.marker`
  const marker = messageOf(markerId, {
    summary: 'What became of the dead letter of the same origin.',
    ...{ key, headers: HEADERS.marker, payload: NULL, examples: [discarded(topics[0]!)] },
  })
  return [
    { name: 'record', id, writers: [service], message: letter },
    { name: 'marker', id: markerId, writers: ['syncctl'], message: marker },
  ]
}

/** The contracts as they are registered, with what their fields mean, and the headers. */
export const schemas = (): Json => ({
  ...Object.fromEntries(
    CONTRACT_TOPICS.map((topic) => [topic, { schemaFormat: SCHEMA_FORMAT, schema: describedSchemaOf(topic) }]),
  ),
  'record-headers': headersSchema(RecordHeaders),
  'lane-headers': headersSchema(LaneHeaders),
  'dead-letter-headers': headersSchema(DeadLetterHeaders),
  'marker-headers': headersSchema(MarkerHeaders),
})
