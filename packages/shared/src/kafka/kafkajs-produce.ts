import { createRequire } from 'node:module'
import type { Kafka } from 'kafkajs'
import {
  type BrokerPool,
  type ClusterMetadata,
  clusterOf,
  dropBroker,
  dropIfSilent,
  type Exchange,
} from './kafkajs-cluster.ts'
import type { LeavingExchange } from './kafkajs-leaving.ts'
import type { PartitionAnswer, ProduceCluster, TopicLeaders } from './produce-cluster.ts'
import { encodeProduce, PRODUCE, type ProduceRequest } from './produce-request.ts'

interface ProduceResponse {
  readonly topics: readonly {
    readonly topicName: string
    readonly partitions: readonly { readonly partition: number; readonly errorCode: number }[]
  }[]
}

const METADATA = 3
/** Brokers want one, and have no use for it without a transaction. */
const TRANSACTION_TIMEOUT_MS = 60_000

const internal = createRequire(import.meta.url)
const { createErrorFromCode } = internal('kafkajs/src/protocol/error.js') as {
  createErrorFromCode(code: number): Error
}
const { requests } = internal('kafkajs/src/protocol/requests/index.js') as { requests: { Metadata: object } }
const { decode } = internal('kafkajs/src/protocol/requests/produce/v7/response.js') as {
  decode(payload: Buffer): Promise<ProduceResponse>
}
const errorOf = (code: number): Error | null => (code === 0 ? null : createErrorFromCode(code))

/** By the connections of kafkajs, to which `mendKafkaJs` has been applied. */
export function createProduceCluster(kafka: Kafka): ProduceCluster {
  const cluster = clusterOf(kafka)
  const pool = cluster.brokerPool
  tellErrorsByTopic(pool)
  return {
    async connect() {
      if (pool.seedBroker === undefined) await pool.createSeedBroker()
      const seed = pool.seedBroker
      try {
        await cluster.connect()
      } catch (error) {
        // After a refused connection kafkajs itself has taken the next address. Two steps would return to the first of two.
        if (seed !== undefined && pool.seedBroker === seed) await dropBroker(pool, seed, error as Error)
        throw error
      }
    },
    disconnect: () => cluster.disconnect(),
    async newProducerId() {
      const broker = await pool.findConnectedBroker()
      return dropIfSilent(pool, broker, async () => {
        const { producerId } = await broker.initProducerId({ transactionTimeout: TRANSACTION_TIMEOUT_MS })
        return BigInt(producerId)
      })
    },
    async leadersOf(topics) {
      for (const topic of topics) cluster.targetTopics.add(topic)
      await cluster.refreshMetadata()
      return new Map(pool.metadata!.topicMetadata.map((each) => [each.topic, leadersIn(each)]))
    },
    async produce(nodeId, leave) {
      const broker = await pool.findBroker({ nodeId })
      return broker.connectionPool.send(producing(leave))
    },
    drop(nodeId) {
      const broker = pool.brokers[nodeId]
      // Such a connection waits, because the broker has asked for less. A new connection would be no reason to send more.
      const isThrottled = broker?.connectionPool.pool.some(
        ({ requestQueue }) => requestQueue.throttledUntil > Date.now(),
      )
      if (broker !== undefined && !isThrottled)
        void dropBroker(pool, broker, new Error('closed, because an answer is late'))
    },
  }
}

const producing = (leave: () => ProduceRequest | null): LeavingExchange<PartitionAnswer[]> => ({
  request: {
    ...PRODUCE,
    bytes(correlationId, clientId) {
      const request = leave()
      return request && encodeProduce(request, correlationId, clientId)
    },
  },
  response: {
    decode,
    parse: async ({ topics }: ProduceResponse) =>
      topics.flatMap(({ topicName, partitions }) =>
        partitions.map(({ partition, errorCode }) => ({ topic: topicName, partition, error: errorOf(errorCode) })),
      ),
  },
})

function leadersIn(of: ClusterMetadata['topicMetadata'][number]): TopicLeaders {
  const error = errorOf(of.topicErrorCode)
  if (error !== null) return error
  const leaders: (number | null)[] = []
  for (const { partitionId, leader } of of.partitionMetadata) leaders[partitionId] = leader < 0 ? null : leader
  return leaders
}

/** kafkajs refuses an answer about all topics for the error of one topic or partition. */
function tellErrorsByTopic(pool: BrokerPool) {
  const { createBroker } = pool
  pool.createBroker = (options) => {
    const broker = createBroker(options)
    broker.metadata = (topics) =>
      dropIfSilent(pool, broker, async () => {
        const ask = broker.lookupRequest(METADATA, requests.Metadata)
        const { request, response, ...rest } = ask({ topics, allowAutoTopicCreation: false })
        const exchange = { request, response: { ...response, parse: async (data: ClusterMetadata) => data }, ...rest }
        return broker.connectionPool.send(exchange as Exchange<ClusterMetadata>)
      })
    return broker
  }
}
