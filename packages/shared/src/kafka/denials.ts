/** kafkajs's errors, as far as they are told apart here. */
interface KafkaError {
  readonly name?: unknown
  readonly type?: unknown
  readonly cause?: unknown
  /** Those that an authorization error is about; put there by kafkajs-refusals.ts. */
  readonly refusedTopics?: readonly string[]
}

const AUTHORIZATION: ReadonlySet<unknown> = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
])
const AUTHENTICATION: ReadonlySet<unknown> = new Set(['SASL_AUTHENTICATION_FAILED', 'UNSUPPORTED_SASL_MECHANISM'])

/**
 * Who refuses us: the broker that doesn't know us (`authentication`), or its ACLs (`authorization`). null for anything
 * else. A refusal says nothing of a record, and ends once somebody corrects what was set.
 */
export function denialOf(error: unknown): 'authentication' | 'authorization' | null {
  if (!(error instanceof Error)) return null
  const { name, type, cause } = error as KafkaError
  if (AUTHORIZATION.has(type)) return 'authorization'
  if (AUTHENTICATION.has(type) || name === 'KafkaJSSASLAuthenticationError') return 'authentication'
  return denialOf(cause)
}

/** The topics that an authorization error is about, as far as they are known. */
export function topicsOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return []
  const { refusedTopics, cause } = error as KafkaError
  return refusedTopics ?? topicsOf(cause)
}

/** kafkajs says the same thing at every layer that an error passes; the innermost is the clearest. */
export function innermost(error: Error): Error {
  return error.cause instanceof Error ? innermost(error.cause) : error
}

/** In one line why Kafka's client can't do what it was to do. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown failure'
  const { name, message } = innermost(error)
  if (name !== 'KafkaJSConnectionClosedError') return message
  return `${message} (by the broker: does this port want TLS, or a password? KAFKA_SSL, KAFKA_SASL_MECHANISM)`
}

/** For whoever can mend it. */
export const refusalText = (operation: string, kind: 'topic' | 'group', names: readonly string[]): string =>
  `no ACL allows us ${operation} on ${kind} ${names.join(', ')} (npx syncctl topics acls lists what is needed)`
