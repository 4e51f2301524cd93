import type { Kafka } from 'kafkajs'

/** A request that kafkajs sends over a connection, and the functions that read its answer. */
export interface Exchange<V> {
  readonly request: { readonly apiKey: number; readonly apiVersion: number; readonly apiName: string }
  readonly response: { decode(payload: Buffer): Promise<unknown>; parse(data: never): Promise<V> }
  readonly requestTimeout?: number
}
export interface Connection {
  readonly socket?: { destroy(error: Error): unknown }
  readonly authHandlers: { onError(): void } | null
  /** Wall clock, ms. */
  readonly requestQueue: { readonly throttledUntil: number }
}
export interface ConnectionPool {
  readonly host: string
  readonly port: number
  readonly rack: string | null
  readonly pool: readonly Connection[]
  send<V>(exchange: Exchange<V>): Promise<V>
}
export interface Broker {
  readonly nodeId: number | null
  readonly versions: Readonly<Record<number, { readonly maxVersion: number }>>
  connectionPool: ConnectionPool
  readonly lookupRequest: (apiKey: number, definitions: object) => (options: object) => Exchange<unknown>
  metadata(topics: readonly string[]): Promise<ClusterMetadata>
  initProducerId(options: { readonly transactionTimeout: number }): Promise<{ readonly producerId: string }>
}
export interface ClusterMetadata {
  readonly topicMetadata: readonly {
    readonly topic: string
    readonly topicErrorCode: number
    readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[]
  }[]
}
export interface BrokerPool {
  readonly metadata: ClusterMetadata | null
  /** By node id. */
  readonly brokers: Readonly<Record<number, Broker>>
  /** The broker that was connected to first, by one of the configured addresses. Its node id is null until the id is known. */
  readonly seedBroker: Broker | undefined
  createBroker: (options: object) => Broker
  readonly connectionPoolBuilder: {
    build(place: Pick<ConnectionPool, 'host' | 'port' | 'rack'>): Promise<ConnectionPool>
  }
  /** Takes the next of the configured addresses. */
  createSeedBroker(): Promise<void>
  findConnectedBroker(): Promise<Broker>
  findBroker(which: { readonly nodeId: number }): Promise<Broker>
}
export interface Cluster {
  readonly brokerPool: BrokerPool
  readonly targetTopics: Set<string>
  connect(): Promise<void>
  disconnect(): Promise<void>
  refreshMetadata(): Promise<void>
}

/** Takes a cluster from a private method of kafkajs, so that its connections use TLS, SASL and time limits as all others do. */
export function clusterOf(kafka: Kafka): Cluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find((it) => it.description === 'private:Kafka:createCluster')
  const create = (kafka as unknown as Record<symbol, (options: object) => Cluster>)[symbol!]!
  return create({ allowAutoTopicCreation: false })
}

/** kafkajs would ask the same broker again, although other brokers may answer. */
export async function dropIfSilent<V>(pool: BrokerPool, broker: Broker, ask: () => Promise<V>): Promise<V> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof Error && error.name === 'KafkaJSRequestTimeoutError') await dropBroker(pool, broker, error)
    throw error
  }
}

/**
 * kafkajs itself waits for all answers before it closes a connection. The broker gets new connections instead, because kafkajs
 * closes the socket of a connection that it uses again when the former socket of that connection ends.
 */
export async function dropBroker(pool: BrokerPool, broker: Broker, why: Error) {
  const { host, port, rack, pool: connections } = broker.connectionPool
  broker.connectionPool = await pool.connectionPoolBuilder.build({ host, port, rack })
  for (const { socket, authHandlers } of connections) {
    authHandlers?.onError()
    socket?.destroy(why)
  }
  if (broker === pool.seedBroker && broker.nodeId === null) await pool.createSeedBroker()
}
