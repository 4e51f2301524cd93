import { describe, expect, it } from 'vitest'
import { type Cluster, mostCommonPartitions, planTopics, type TopicState, topicConfig } from './topic-plan.ts'
import { TOPICS } from './topics.ts'

const stateOf = (name: string, changes: Partial<TopicState> = {}): TopicState => {
  const spec = TOPICS.find((topic) => topic.name === name)
  if (!spec) throw new Error(`no topic ${name}`)
  return { name, partitions: 12, replicas: 3, config: topicConfig(spec, 3), ...changes }
}

const complete = (...changed: TopicState[]): Cluster => {
  const topics = new Map(TOPICS.map(({ name }) => [name as string, stateOf(name)]))
  for (const topic of changed) topics.set(topic.name, topic)
  return { brokers: 3, topics }
}
const empty = (brokers: number): Cluster => ({ brokers, topics: new Map() })

describe('planning topics', () => {
  it('on an empty cluster wants all of them, with 12 partitions', () => {
    const plan = planTopics(empty(5), { prefix: '' })

    expect(plan).toMatchObject({ partitions: 12, replicas: 3, problems: [] })
    expect(plan.missing).toEqual(TOPICS)
  })

  it.each([
    [1, 1],
    [2, 2],
    [3, 3],
    [9, 3],
  ])('on %d brokers wants %d replicas', (brokers, replicas) => {
    expect(planTopics(empty(brokers), { prefix: '' }).replicas).toBe(replicas)
  })

  it('on a complete cluster wants nothing', () => {
    expect(planTopics(complete(), { prefix: '' })).toMatchObject({ missing: [], problems: [] })
  })

  it('gives a new topic as many partitions as the others have', () => {
    const topics = new Map(complete().topics)
    for (const [name, topic] of topics) topics.set(name, { ...topic, partitions: 48 })
    topics.delete('sync.cursors.v1')

    const plan = planTopics({ brokers: 3, topics }, { prefix: '' })

    expect(plan).toMatchObject({ partitions: 48, problems: [] })
    expect(plan.missing.map(({ name }) => name)).toEqual(['sync.cursors.v1'])
  })

  it('looks only at the topics behind its prefix', () => {
    expect(planTopics(complete(), { prefix: 'blue.' }).missing).toEqual(TOPICS)
  })

  it('reports another number of partitions, and why it stays', () => {
    const { problems } = planTopics(complete(stateOf('flow.orders.v1', { partitions: 6 })), { prefix: '' })

    expect(problems).toMatchObject([
      { topic: 'flow.orders.v1', kind: 'partitions', message: 'has 6 partitions, wanted: 12' },
    ])
    expect(problems[0]?.advice).toContain('move keys')
  })

  it('reports every topic when asked for a number that they do not have', () => {
    const { problems } = planTopics(complete(), { prefix: '', partitions: 24 })

    expect(problems.map(({ kind }) => kind)).toEqual(TOPICS.map(() => 'partitions'))
  })

  it('reports another clean-up, with the command that mends it', () => {
    const config = { ...stateOf('flow.customers.v1').config, 'cleanup.policy': 'delete' }
    const { problems } = planTopics(complete(stateOf('flow.customers.v1', { config })), { prefix: '' })

    expect(problems).toEqual([
      {
        topic: 'flow.customers.v1',
        kind: 'config',
        message: 'has cleanup.policy=delete, wanted: compact',
        advice: 'Run: kafka-configs.sh --alter --topic flow.customers.v1 --add-config cleanup.policy=compact',
      },
    ])
  })

  it('reports too few copies, and accepts more in sync than it asks for', () => {
    const strict = { ...stateOf('flow.orders.v1').config, 'min.insync.replicas': '3' }
    const lax = { ...stateOf('flow.customers.v1').config, 'min.insync.replicas': '1' }
    const { problems } = planTopics(
      complete(
        stateOf('flow.orders.v1', { config: strict }),
        stateOf('flow.customers.v1', { config: lax }),
        stateOf('sync.cursors.v1', {
          replicas: 1,
          config: { ...stateOf('sync.cursors.v1').config, 'min.insync.replicas': '1' },
        }),
      ),
      { prefix: '' },
    )

    expect(problems.map(({ topic, message }) => `${topic} ${message}`)).toEqual([
      'flow.customers.v1 has min.insync.replicas=1, wanted: 2',
      'sync.cursors.v1 has 1 replica, wanted: 3',
    ])
  })
})

describe('the configuration of a topic', () => {
  it.each([
    [1, '1'],
    [2, '1'],
    [3, '2'],
  ])('with %d replicas wants %s in sync, so that one broker may go', (replicas, inSync) => {
    expect(topicConfig(TOPICS[0]!, replicas)).toMatchObject({ ...TOPICS[0]?.config, 'min.insync.replicas': inSync })
  })
})

describe('the common number of partitions', () => {
  it.each<[number[], number | undefined]>([
    [[], undefined],
    [[12], 12],
    [[12, 6, 12], 12],
    [[6, 12], 12],
  ])('of %j is %s', (counts, common) => {
    expect(mostCommonPartitions(counts.map((partitions) => ({ partitions })))).toBe(common)
  })
})
