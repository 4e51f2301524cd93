import { createRequire } from 'node:module'

interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

interface ConsumerGroup {
  /** The read positions. Another object after each join. */
  readonly offsetManager: object | null
  fetch(nodeId: number): Promise<readonly TopicPartition[]>
  seek(to: TopicPartition & { readonly offset: string }): void
  hasSeekOffset(of: TopicPartition): boolean
}

interface Runner {
  readonly consumerGroup: ConsumerGroup
  handleBatch(batch: TopicPartition): Promise<void>
}

const internal = createRequire(import.meta.url)
const prototypeOf = (path: string) => (internal(`kafkajs/src/consumer/${path}`) as { prototype: object }).prototype
const nameOf = ({ topic, partition }: TopicPartition) => `${topic}/${partition}`

/**
 * kafkajs 2.2.4 fetches from several brokers at a time. A fetch from one broker may join again or carry out a seek, while batches of the
 * others wait or are being handled. The records of such a batch were asked for before the join or the seek. If the runtime took the records
 * in now, they would move the new read position, and records before them that have not ended would be committed past. `isStale` of
 * `eachBatch` only tells of a seek that no fetch has carried out.
 */
export function dropOutdatedBatches(): void {
  const consumerGroup = prototypeOf('consumerGroup.js') as ConsumerGroup
  const runner = prototypeOf('runner.js') as Runner
  const { fetch, seek, hasSeekOffset } = consumerGroup
  const { handleBatch } = runner
  /** By topic and partition. */
  const seeks = new WeakMap<ConsumerGroup, Map<string, number>>()
  const seeksOf = (group: ConsumerGroup) => {
    const known = seeks.get(group) ?? new Map<string, number>()
    seeks.set(group, known)
    return known
  }
  /** By batch, whether its fetch began before the last join or the last seek of its partition. */
  const checks = new WeakMap<TopicPartition, () => boolean>()
  /** The check of the batch that is being handled, by topic and partition. */
  const handled = new WeakMap<ConsumerGroup, Map<string, () => boolean>>()

  consumerGroup.seek = function (to) {
    const known = seeksOf(this)
    known.set(nameOf(to), (known.get(nameOf(to)) ?? 0) + 1)
    seek.call(this, to)
  }
  consumerGroup.fetch = async function (nodeId) {
    const { offsetManager } = this
    const before = new Map(seeksOf(this))
    const batches = await fetch.call(this, nodeId)
    for (const batch of batches) {
      const name = nameOf(batch)
      checks.set(batch, () => this.offsetManager !== offsetManager || seeksOf(this).get(name) !== before.get(name))
    }
    return batches
  }
  runner.handleBatch = async function (batch) {
    const isOutdated = checks.get(batch)
    if (isOutdated === undefined || isOutdated()) return
    const underWay = handled.get(this.consumerGroup) ?? new Map<string, () => boolean>()
    handled.set(this.consumerGroup, underWay)
    underWay.set(nameOf(batch), isOutdated)
    try {
      await handleBatch.call(this, batch)
    } finally {
      underWay.delete(nameOf(batch))
    }
  }
  consumerGroup.hasSeekOffset = function (of) {
    return hasSeekOffset.call(this, of) || handled.get(this)?.get(nameOf(of))?.() === true
  }
}
