import { setTimeout as delay } from 'node:timers/promises'
import { createContracts } from '@sync/shared/contracts/registry'
import { createKafka } from '@sync/shared/kafka/connect'
import { createProducer } from '@sync/shared/kafka/producer'
import { createPublisher } from '@sync/shared/kafka/publisher'
import { newEventId, newTraceparent } from '@sync/shared/tracing'

const CHUNK = 1_000
const AT = '2026-01-01T00:00:00.000Z'
/** A person in Flow who is not linked yet. */
export const newCustomer = (customerUid: string) => ({
  ...{ customerUid, customerType: 'PERSON', firstname: 'Kari', lastname: 'E', createdAt: AT, lastModifiedAt: AT },
})
/** A person in Flow, linked to the customer of the same id in Omnium. */
export const flowCustomer = (customerUid: string) => ({ ...newCustomer(customerUid), externalId: customerUid })

/** Writes `count` snapshots of a tenant's customers, of each in turn. */
export async function writeSnapshots(
  env: NodeJS.ProcessEnv,
  tenant: string,
  uids: readonly string[],
  count: number,
  customerOf: (uid: string) => Record<string, unknown> = flowCustomer,
): Promise<void> {
  const prefix = env.TOPIC_PREFIX!
  const { codec } = createContracts({ registryUrl: env.SCHEMA_REGISTRY_URL!, prefix })
  const kafka = createKafka({ kafkaBrokers: env.KAFKA_BROKERS!.split(','), kafkaSsl: false } as never, {
    clientId: 'bench',
    retries: 0,
  })
  const producer = createProducer({ kafka, deadlineMs: 30_000 })
  await producer.connect()
  const publisher = createPublisher({
    ...{ producer, encode: codec.encode, prefix, source: 'bench', newEventId, newTraceparent, now: Date.now },
  })
  for (let from = 0; from < count; from += CHUNK) {
    const messages = Array.from({ length: Math.min(CHUNK, count - from) }, (_, i) => {
      const id = uids[(from + i) % uids.length]!
      const times = { version: AT, fetchedAt: AT, notifiedAt: AT }
      return {
        key: `${tenant}:${id}`,
        value: { tenant, id, ...times, repair: false, customer: customerOf(id) },
      }
    })
    // A broker is not the leader of a new topic's partitions at once.
    for (let attempts = 20; ; attempts--) {
      const isSent = await publisher.publish('flow.customers.v1', messages).then(
        () => true,
        (error: unknown) => {
          if (attempts <= 1) throw error
          return delay(500, false)
        },
      )
      if (isSent) break
    }
  }
  await producer.disconnect()
}
