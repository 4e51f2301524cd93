import { setTimeout as delay } from 'node:timers/promises'
import { topicConfig } from '@sync/shared/kafka/topic-plan'
import { TOPICS, type TopicName } from '@sync/shared/kafka/topics'
import { patiently } from './patiently.ts'
import type { System } from './system.ts'

/**
 * Only this topic is recreated. Its records are notifications, and each notification names a customer or an order that changed in
 * Flow. A backfill from Flow finds the changes of customers again, and no service reads Flow's orders.
 */
export const RECREATED_TOPIC = 'flow.notifications.v1'

/** A topic that was deleted and created again. */
export interface Recreation {
  readonly topic: TopicName
  /** From then on every record is in the new log, in ms since the epoch. */
  readonly doneAt: number
}

const POLL_MS = 100

/** Deletes the topic under the running services, and creates it at once as it was. */
export async function recreateTopic({ admin, prefix, stack }: System, name: TopicName): Promise<Recreation> {
  const topic = prefix + name
  const [before] = (await patiently(() => admin.fetchTopicMetadata({ topics: [topic] }))).topics
  const { length: numPartitions } = before!.partitions
  const replicationFactor = Math.min(3, stack.brokers.length)
  const spec = TOPICS.find((it) => it.name === name)!
  const configEntries = Object.entries(topicConfig(spec, replicationFactor)).map(([key, value]) => ({
    name: key,
    value,
  }))
  const created = { topic, numPartitions, replicationFactor, configEntries }

  await admin.deleteTopics({ topics: [topic] })
  await patiently(async () => {
    const isNew = await admin.createTopics({ topics: [created], waitForLeaders: false })
    if (!isNew) throw new Error(`creating ${topic}: it is still there`)
  })
  const hasLeaders = () =>
    admin.fetchTopicOffsets(topic).then(
      ({ length }) => length === numPartitions,
      () => false,
    )
  while (!(await hasLeaders())) await delay(POLL_MS)
  return { topic: name, doneAt: Date.now() }
}

/** Runs a backfill of each tenant from Flow, as the runbook says for a log that got shorter. Throws an Error when a backfill fails. */
export async function repairRecreated(
  { syncctl, flow }: Pick<System, 'syncctl' | 'flow'>,
  recreations: readonly Recreation[],
): Promise<void> {
  if (recreations.length === 0) return
  for (const tenant of flow.tenants.keys()) {
    const { code, output } = await syncctl('backfill', '--tenant', tenant, '--from', 'flow', '--yes')
    // Exit code 2 means that some records were parked. Poison is parked.
    if (code !== 0 && code !== 2) throw new Error(`backfill of ${tenant}: exit code ${code}: ${output.slice(-500)}`)
  }
}

const NOTICES = /the log is shorter|was deleted and created again/

/** A line for the report for each recreated topic. Services that start after the recreation find no read positions to compare with. */
export async function describeRecreations(
  { fleet, prefix }: Pick<System, 'fleet' | 'prefix'>,
  recreations: readonly Recreation[],
): Promise<string[]> {
  const lines = [...(await fleet.logs()).values()].flatMap((text) => text.split('\n'))
  return recreations.map(({ topic }) => {
    const told = lines.filter((line) => NOTICES.test(line) && line.includes(`"${prefix}${topic}"`))
    return `${topic} was recreated; ${told.length} error lines of the services say so of a partition`
  })
}
