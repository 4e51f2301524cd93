import { setTimeout as delay } from 'node:timers/promises'
import { SERVICES, type ServiceName, TOPICS } from '@sync/shared/kafka/topics'
import type { Admin } from 'kafkajs'

const POLL_MS = 200

/**
 * Resolves once every service has committed all that is on its topics: a record is committed only after all that it
 * leads to was written, so nothing more comes of itself then. While Kafka does not answer, or a partition has no leader, that is
 * not known. Rejects when the signal aborts, naming who is behind.
 */
export async function untilAtRest(admin: Admin, prefix: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      const lacks = await whatLacksRest(admin, prefix)
      if (lacks === null) return
      if (signal.aborted) throw new Error(lacks)
    } catch (error) {
      if (signal.aborted) throw error
    }
    await delay(POLL_MS)
  }
}

async function whatLacksRest(admin: Admin, prefix: string): Promise<string | null> {
  const before = await endsOf(admin, prefix)
  const behind = await servicesBehind(admin, prefix, before)
  const after = await endsOf(admin, prefix)
  if (behind.length > 0) return `${behind.join(', ')} still behind`
  return [...after].every(([place, end]) => before.get(place) === end) ? null : 'records still come'
}

/** What groups commit on. The sweeps' marks are looked up, not consumed: nobody commits there. */
export const READ = TOPICS.filter(({ name, readers }) => readers.length > 0 && name !== 'sync.cursors.v1')
const topicsOf = (service: ServiceName) =>
  READ.filter(({ readers }) => readers.includes(service)).map(({ name }) => name)

async function endsOf(admin: Admin, prefix: string): Promise<Map<string, number>> {
  const ends = new Map<string, number>()
  await Promise.all(
    READ.map(async ({ name }) => {
      const partitions = await admin.fetchTopicOffsets(prefix + name)
      for (const { partition, high } of partitions) ends.set(`${prefix}${name}/${partition}`, Number(high))
    }),
  )
  return ends
}

async function servicesBehind(admin: Admin, prefix: string, ends: ReadonlyMap<string, number>): Promise<ServiceName[]> {
  const behind: ServiceName[] = []
  for (const service of SERVICES) {
    const topics = topicsOf(service).map((name) => prefix + name)
    const committed = await admin.fetchOffsets({ groupId: prefix + service, topics })
    const isBehind = committed.some(({ topic, partitions }) =>
      partitions.some(
        ({ partition, offset }) => Math.max(0, Number(offset)) < (ends.get(`${topic}/${partition}`) ?? 0),
      ),
    )
    if (isBehind) behind.push(service)
  }
  return behind
}
