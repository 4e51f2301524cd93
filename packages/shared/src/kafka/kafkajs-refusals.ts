import { createRequire } from 'node:module'
import { denialOf, innermost, refusalText } from './denials.ts'

interface Exchange {
  readonly request: { readonly apiName: string }
  readonly response: { parse(data: unknown): Promise<unknown> }
}
interface Connection {
  send(exchange: Exchange): Promise<unknown>
}
type GroupRequest = (of: { readonly groupId?: string; readonly groupIds?: readonly string[] }) => Promise<unknown>
interface BrokerPool {
  readonly brokers: Readonly<Record<string, unknown>>
  withBroker<V>(ask: (place: { nodeId: string; broker: unknown }) => Promise<V>): Promise<V | null>
}
interface Runner {
  running: boolean
  onCrash: (error: Error) => unknown
  start(): Promise<unknown>
}
/** What kafkajs decides by whether it starts a consumer again, and when. */
interface Crash extends Error {
  retriable?: boolean
  retryTime?: number
}

/** The operation that a request needs; one that is allowed to READ or WRITE is allowed to DESCRIBE. */
const TOPIC_OPERATIONS: Readonly<Record<string, string>> = {
  Metadata: 'DESCRIBE',
  ListOffsets: 'DESCRIBE',
  OffsetFetch: 'DESCRIBE',
  Produce: 'WRITE',
  Fetch: 'READ',
  OffsetCommit: 'READ',
  CreateTopics: 'CREATE',
  DescribeConfigs: 'DESCRIBE_CONFIGS',
}
const GROUP_OPERATIONS = {
  // DESCRIBE would do, but whoever looks for it goes on to join.
  findGroupCoordinator: 'READ',
  offsetFetch: 'DESCRIBE',
  describeGroups: 'DESCRIBE',
  joinGroup: 'READ',
  syncGroup: 'READ',
  heartbeat: 'READ',
  offsetCommit: 'READ',
} as const
const TOPIC_AUTHORIZATION_FAILED = 29
const START_AGAIN_MS = 5_000

const internal = createRequire(import.meta.url)
const prototypeOf = (path: string) => (internal(`kafkajs/src/${path}`) as { prototype: object }).prototype

/** kafkajs 2.2.4 and a broker that refuses us: what is refused is named, and a consumer outlives it. */
export function surviveRefusals(): void {
  nameTopics()
  nameGroups()
  tellOfRefusals()
  startAgainAfterRefusals()
}

/** "Not authorized to access topics: [Topic authorization failed]" is all that it says. */
function nameTopics() {
  const connection = prototypeOf('network/connection.js') as Connection
  const { send } = connection
  connection.send = function (exchange) {
    const { request, response } = exchange
    const parse = (data: unknown) =>
      response.parse(data).catch((error: unknown) => {
        throw named(error, TOPIC_OPERATIONS[request.apiName], 'topic', refusedTopics(data))
      })
    return send.call(this, { ...exchange, response: { ...response, parse } })
  }
}

function nameGroups() {
  const broker = prototypeOf('broker/index.js') as Record<string, GroupRequest>
  for (const [method, operation] of Object.entries(GROUP_OPERATIONS)) {
    const ask = broker[method]!
    broker[method] = async function (of) {
      try {
        return await ask.call(this, of)
      } catch (error) {
        throw named(error, operation, 'group', of.groupIds ?? (of.groupId === undefined ? [] : [of.groupId]))
      }
    }
  }
}

function named(
  error: unknown,
  operation: string | undefined,
  kind: 'topic' | 'group',
  names: readonly string[],
): unknown {
  if (!(error instanceof Error) || operation === undefined || names.length === 0) return error
  const { type } = error as { type?: unknown }
  if (type !== `${kind.toUpperCase()}_AUTHORIZATION_FAILED`) return error
  error.message = refusalText(operation, kind, names)
  return kind === 'topic' ? Object.assign(error, { refusedTopics: names }) : error
}

/** The topics that any response names with this error; every API has a shape of its own. */
export function refusedTopics(data: unknown): string[] {
  const { topicMetadata, topics, responses, topicErrors, resources } = (data ?? {}) as Record<string, unknown>
  const entries = [topicMetadata, topics, responses, topicErrors, resources].flatMap((list) =>
    Array.isArray(list) ? (list as Record<string, unknown>[]) : [],
  )
  const isRefused = ({ errorCode, topicErrorCode, partitions }: Record<string, unknown>) =>
    errorCode === TOPIC_AUTHORIZATION_FAILED ||
    topicErrorCode === TOPIC_AUTHORIZATION_FAILED ||
    (Array.isArray(partitions) && partitions.some((partition) => partition?.errorCode === TOPIC_AUTHORIZATION_FAILED))
  return entries
    .filter(isRefused)
    .flatMap(({ topic, topicName, resourceName }) =>
      [topic ?? topicName ?? resourceName].filter((it) => typeof it === 'string'),
    )
}

/**
 * Where any broker will do it asks one after the other, and answers null, whatever they said. All of them have the same
 * ACLs: what one refuses is told.
 */
function tellOfRefusals() {
  const pool = prototypeOf('cluster/brokerPool.js') as BrokerPool
  const { withBroker } = pool
  pool.withBroker = async function (ask) {
    let refused: unknown = null
    const answer = await withBroker.call(this, async (place) => {
      if (refused !== null) return null
      try {
        return await ask(place)
      } catch (error) {
        if (denialOf(error) !== null) refused = error
        throw error
      }
    })
    if (refused !== null) throw refused
    return answer as never
  }
}

/**
 * It takes a refusal for an error that no restart cures, so that a password or an ACL that is wrong for a minute would
 * end the process. Whoever does not want to wait says so by `restartOnFailure`.
 */
function startAgainAfterRefusals() {
  const runner = prototypeOf('consumer/runner.js') as Runner
  const { start } = runner
  const seen = new WeakSet<Runner>()
  runner.start = function () {
    if (!seen.has(this)) {
      seen.add(this)
      const { onCrash } = this
      this.onCrash = (error) => onCrash(denialOf(error) === null ? error : curable(error))
    }
    return start.call(this)
  }
}

function curable(error: Crash): Crash {
  const cause = innermost(error) as Crash
  cause.retriable = true
  error.retryTime = START_AGAIN_MS
  return error
}
