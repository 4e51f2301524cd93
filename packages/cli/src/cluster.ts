import { clusterEnv, readConfig } from '@sync/shared/config'
import { type Contracts, createContracts } from '@sync/shared/contracts/registry'
import { SyncError } from '@sync/shared/errors'
import { createKafka } from '@sync/shared/kafka/connect'
import type { Admin, Kafka } from 'kafkajs'
import { z } from 'zod'
import type { Terminal } from './terminal.ts'

/** What the environment's settings lead to. */
export interface Cluster {
  readonly kafka: Kafka
  readonly admin: Admin
  readonly contracts: Contracts
  readonly prefix: string
}

const ClusterEnv = z.object(clusterEnv)

/** Connects to the environment's Kafka, runs `work` and disconnects. Throws SyncError `config-invalid` or `kafka-unavailable`. */
export async function withCluster<T>(terminal: Terminal, work: (cluster: Cluster) => Promise<T>): Promise<T> {
  const config = readConfig(ClusterEnv, terminal.env)
  const kafka = createKafka(config, { clientId: 'syncctl', retries: 2 })
  const admin = kafka.admin()
  try {
    await admin.connect().catch((cause: unknown) => {
      const brokers = config.kafkaBrokers.join(', ')
      throw new SyncError('kafka-unavailable', `connecting to Kafka at ${brokers}: ${reasonOf(cause)}`, { cause })
    })
    const contracts = createContracts({
      registryUrl: config.schemaRegistryUrl,
      username: config.schemaRegistryUsername,
      password: config.schemaRegistryPassword,
      prefix: config.topicPrefix,
    })
    return await work({ kafka, admin, contracts, prefix: config.topicPrefix })
  } finally {
    await admin.disconnect().catch(() => undefined)
  }
}

/** kafkajs says the same thing at every layer that it passes; the innermost is the clearest. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? reasonOf(cause) : message
}
