import { topicConfig } from '@sync/shared/kafka/topic-plan'
import { DEFAULT_PARTITIONS, TOPICS, type TopicName, type TopicSpec } from '@sync/shared/kafka/topics'
import manifest from '../../../package.json' with { type: 'json' }
import { messagesOf, schemas } from './asyncapi-messages.ts'
import { BINDING_VERSION, securitySchemes, serverBindings, servers, serverVariables } from './asyncapi-servers.ts'
import type { Json } from './yaml.ts'

/** Replicas where there are enough brokers for them. */
const REPLICAS = 3

const DESCRIPTION = `
The topics of flow-omnium-sync, which keeps the customers of Flow (point of sale) and Omnium (order management) in step.
\`TOPIC_PREFIX\`, where it is set, goes before every address, subject and group id. \`npx syncctl topics apply\` creates
the topics and registers their schemas.

**Order.** A key begins with the tenant's uid: \`tenant:id\`. Records of one key are handled in their order, those of
different keys side by side. All topics have the same number of partitions and one partitioner (murmur2, as in the Java
client), so that a key has the same partition everywhere; the number can't be changed later.

**Values** are JSON in the wire format of Confluent's registry: a zero byte, the schema's id in four bytes (big-endian),
then JSON in UTF-8. The subject is \`<topic>-value\`, its compatibility BACKWARD: fields are added as optional ones, so
take no offence at a field that you don't know. The schemas below are those that are registered, with descriptions.

**Reading.** A record may stand there twice: go by the key and \`version\`, not by the offset. Nobody writes but the
services and \`syncctl\`. Nothing here acts on \`flow.orders.v1\` and \`sync.outcomes.v1\`: they are there for others.
`.trim()

const TAGS: Readonly<Record<string, string>> = {
  'flow-ingest': "Takes Flow's webhooks, finds what they missed, and reads what they name.",
  'omnium-ingest': "Takes Omnium's events, finds what they missed, and reads what they name.",
  'customer-mapper': 'Writes customers to Omnium, and those that Flow lacks to Flow.',
  'relation-manager': 'Keeps both ends of a parent relation equal in Omnium.',
  syncctl: "The operators' command line tool.",
}

/** The topics as an AsyncAPI document, from the topic table and the contracts. */
export const asyncApi = (): Json => ({
  asyncapi: '3.1.0',
  id: 'urn:flow-omnium-sync',
  info: {
    title: 'flow-omnium-sync topics',
    version: manifest.version,
    description: DESCRIPTION,
    license: { name: 'MIT' },
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
  },
  defaultContentType: 'application/json',
  servers,
  channels: Object.fromEntries(TOPICS.map((spec) => [spec.name, channelOf(spec)])),
  operations: Object.fromEntries(TOPICS.flatMap(operationsOf)),
  components: {
    serverVariables,
    serverBindings,
    securitySchemes,
    correlationIds: {
      trace: {
        description: 'The change that a record belongs to.',
        location: '$message.header#/traceparent',
      },
    },
    messages: Object.fromEntries(TOPICS.flatMap(messagesOf).map(({ id, message }) => [id, message])),
    schemas: schemas(),
  },
})

const channelOf = (spec: TopicSpec): Json => ({
  address: spec.name,
  summary: spec.value,
  description: `Key: ${spec.key}. Cleanup: ${cleanupOf(spec)}.`,
  messages: Object.fromEntries(messagesOf(spec).map(({ name, id }) => [name, refTo('components', 'messages', id)])),
  bindings: {
    kafka: {
      topic: spec.name,
      partitions: DEFAULT_PARTITIONS,
      replicas: REPLICAS,
      topicConfiguration: configurationOf(spec),
      bindingVersion: BINDING_VERSION,
    },
  },
})

const DAY_MS = 86_400_000

function cleanupOf({ config }: TopicSpec): string {
  const days = (name: string) => Number(config[name]) / DAY_MS
  if (config['cleanup.policy'] !== 'compact') return `deleted after ${days('retention.ms')} days`
  const lag = days('min.compaction.lag.ms')
  return lag === 0 ? 'compacted' : `compacted, not before ${lag} days`
}

/** By the types of the binding: a list of policies, and numbers. */
const configurationOf = (spec: TopicSpec): Json =>
  Object.fromEntries(
    Object.entries(topicConfig(spec, REPLICAS)).map(([name, value]) => [
      name,
      name === 'cleanup.policy' ? value.split(',') : Number(value),
    ]),
  )

function operationsOf(spec: TopicSpec): [string, Json][] {
  const { name: topic, writers, readers, lookedUpBy = [] } = spec
  const messages = messagesOf(spec)
  const refs = (chosen: typeof messages) => chosen.map(({ name }) => refTo('channels', topic, 'messages', name))
  const operation = (who: string, action: 'send' | 'receive', fields: Json): [string, Json] => [
    `${who}.${action}.${topic}`,
    {
      action,
      channel: refTo('channels', topic),
      summary: `${who} ${action === 'send' ? 'writes' : 'reads'} ${topic}.`,
      tags: [{ name: who }],
      ...fields,
    },
  ]
  return [
    ...writers.map((who) =>
      operation(who, 'send', { messages: refs(messages.filter((message) => message.writers.includes(who))) }),
    ),
    ...[...readers, ...lookedUpBy].map((who) =>
      operation(who, 'receive', {
        messages: refs(messages),
        bindings: { kafka: { groupId: groupOf(who, topic, readers.includes(who)), bindingVersion: BINDING_VERSION } },
      }),
    ),
  ]
}

/** A service has one group for all that it handles; each of its processes reads the marks of sweeps, and what it wrote. */
function groupOf(service: string, topic: TopicName, handles: boolean): Json {
  if (handles && topic !== 'sync.cursors.v1') return { type: 'string', const: service }
  return {
    type: 'string',
    pattern: `^${service}\\.${topic === 'sync.cursors.v1' ? 'cursors' : 'known'}\\.`,
    description: handles
      ? 'A group for each process, deleted at its end: all of them read everything.'
      : 'A group for each process that gains partitions, to learn what was written there last; deleted after it.',
  }
}

const refTo = (...path: readonly string[]): Json => ({ $ref: `#/${path.join('/')}` })
