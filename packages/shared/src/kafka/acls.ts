import { SERVICES, TOPICS } from './topics.ts'

/** Who connects to Kafka: the services, and `syncctl` with what its operators do. */
export const KAFKA_USERS = [...SERVICES, 'syncctl'] as const
export type KafkaUser = (typeof KAFKA_USERS)[number]

export type AclOperation = 'READ' | 'WRITE' | 'CREATE' | 'DELETE' | 'DESCRIBE_CONFIGS'

/** Operations that a user is allowed on topics, or on groups; READ and WRITE include DESCRIBE. */
export interface Acl {
  readonly resource: 'topic' | 'group'
  /** `prefixed`: on everything whose name begins so. */
  readonly pattern: 'literal' | 'prefixed'
  /** Physical names, TOPIC_PREFIX included. */
  readonly names: readonly string[]
  readonly operations: readonly AclOperation[]
}

export interface AclOptions {
  /** TOPIC_PREFIX. */
  readonly prefix: string
  /** The tenants' `omnium.eventsTopic`, which omnium-ingest reads. */
  readonly eventsTopics?: readonly string[]
}

/** All that a user needs, and nothing else: derived from the topic table, and from the groups that the code reads with. */
export function aclsOf(user: KafkaUser, { prefix, eventsTopics = [] }: AclOptions): Acl[] {
  const physical = (topics: typeof TOPICS) => topics.map(({ name }) => prefix + name)
  const written = onTopics(physical(TOPICS.filter(({ writers }) => writers.includes(user))), 'WRITE')
  if (user === 'syncctl') {
    // Reads whatever there is, creates what is missing, and looks after the services' groups: `lag`, `replay --reset-group`.
    const groups = SERVICES.map((service) => prefix + service)
    return [
      onTopics(physical([...TOPICS]), 'READ', 'CREATE', 'DESCRIBE_CONFIGS'),
      written,
      { resource: 'group', pattern: 'literal', names: groups, operations: ['READ'] },
      readersOf(user, prefix),
    ]
  }
  const read = physical(
    TOPICS.filter(({ readers, lookedUpBy = [] }) => readers.includes(user) || lookedUpBy.includes(user)),
  )
  return [
    onTopics(user === 'omnium-ingest' ? [...read, ...eventsTopics] : read, 'READ'),
    written,
    { resource: 'group', pattern: 'literal', names: [prefix + user], operations: ['READ'] },
    readersOf(user, prefix),
  ]
}

/** Groups of readers beside the service's own: of sweep marks, absence guards, known versions, Omnium's events; most are deleted after use. */
const readersOf = (user: KafkaUser, prefix: string): Acl => ({
  resource: 'group',
  pattern: 'prefixed',
  names: [`${prefix}${user}.`],
  operations: ['READ', 'DELETE'],
})

const onTopics = (names: readonly string[], ...operations: AclOperation[]): Acl => ({
  resource: 'topic',
  pattern: 'literal',
  names,
  operations,
})
