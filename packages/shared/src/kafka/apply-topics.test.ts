import { describe, expect, it } from 'vitest'
import type { ContractProblem, RegisteredContract } from '../contracts/registry.ts'
import { SyncError } from '../errors.ts'
import { createFakeTopicAdmin } from '../testing/fake-topic-admin.ts'
import { applyTopics, assertTopics, checkTopics } from './apply-topics.ts'
import { TOPICS } from './topics.ts'

const contracts = () => {
  const registered: RegisteredContract[] = []
  return {
    registrations: 0,
    problems: [] as ContractProblem[],
    async register() {
      this.registrations++
      return registered
    },
    async verify() {
      return this.problems
    },
  }
}

const failureOf = (work: Promise<unknown>): Promise<SyncError> =>
  work.then(
    () => expect.unreachable('it should fail'),
    (error: unknown) => {
      expect(error).toBeInstanceOf(SyncError)
      return error as SyncError
    },
  )

describe('applying the topics', () => {
  it('creates all of them as the table says, and registers the contracts', async () => {
    const admin = createFakeTopicAdmin(3)
    const registry = contracts()

    const applied = await applyTopics(admin, registry, { prefix: 'blue.', partitions: 24 })

    expect(applied).toMatchObject({ existing: [], partitions: 24, replicas: 3, problems: [], refused: false })
    expect(applied.created).toEqual(TOPICS.map(({ name }) => `blue.${name}`))
    expect(registry.registrations).toBe(1)
    expect(admin.topics.get('blue.flow.customers.v1')).toEqual({
      partitions: 24,
      replicas: 3,
      config: {
        'cleanup.policy': 'compact',
        'delete.retention.ms': '86400000',
        'max.compaction.lag.ms': '691200000',
        'segment.ms': '86400000',
        'min.compaction.lag.ms': '604800000',
        'min.insync.replicas': '2',
      },
    })
  })

  it('creates nothing the second time', async () => {
    const admin = createFakeTopicAdmin()
    await applyTopics(admin, contracts(), { prefix: '' })

    const again = await applyTopics(admin, contracts(), { prefix: '' })

    expect(again).toMatchObject({ created: [], existing: TOPICS.map(({ name }) => name), problems: [] })
    expect(admin.created).toHaveLength(TOPICS.length)
  })

  it('is harmless when two do it at once', async () => {
    const admin = createFakeTopicAdmin()

    await Promise.all([
      applyTopics(admin, contracts(), { prefix: '' }),
      applyTopics(admin, contracts(), { prefix: '' }),
    ])

    expect(admin.created).toHaveLength(TOPICS.length)
  })

  it('refuses another number of partitions and touches nothing', async () => {
    const admin = createFakeTopicAdmin()
    const registry = contracts()
    await applyTopics(admin, contracts(), { prefix: '' })
    admin.topics.delete('sync.cursors.v1')

    const applied = await applyTopics(admin, registry, { prefix: '', partitions: 24 })

    expect(applied).toMatchObject({ refused: true, created: [], contracts: [] })
    expect(admin.topics.has('sync.cursors.v1')).toBe(false)
    expect(registry.registrations).toBe(0)
  })

  it('reports a topic that was set up otherwise, leaves it, and does the rest', async () => {
    const admin = createFakeTopicAdmin()
    admin.topics.set('flow.customers.v1', { partitions: 12, replicas: 1, config: { 'cleanup.policy': 'delete' } })

    const applied = await applyTopics(admin, contracts(), { prefix: '' })

    expect(applied.refused).toBe(false)
    expect(applied.created).toHaveLength(TOPICS.length - 1)
    expect(applied.problems.map(({ kind }) => kind)).toContain('config')
    expect(admin.topics.get('flow.customers.v1')?.config).toEqual({ 'cleanup.policy': 'delete' })
  })

  it('says so when the broker is not reached', async () => {
    const admin = createFakeTopicAdmin()
    admin.down = true

    const error = await failureOf(applyTopics(admin, contracts(), { prefix: '' }))

    expect(error).toMatchObject({ code: 'kafka-unavailable', message: 'listing topics: Connection timeout' })
  })
})

describe('checking the topics', () => {
  it('finds nothing after they were applied', async () => {
    const admin = createFakeTopicAdmin()
    await applyTopics(admin, contracts(), { prefix: '' })

    expect(await checkTopics(admin, contracts(), { prefix: '' })).toEqual({
      partitions: 12,
      topics: [],
      contracts: [],
    })
  })

  it('does not take a topic that it may not see for one that is missing', async () => {
    const admin = createFakeTopicAdmin()
    await applyTopics(admin, contracts(), { prefix: '' })
    admin.hidden.add('flow.orders.v1').add('sync.cursors.v1')

    for (const work of [checkTopics, applyTopics]) {
      const error = await failureOf(work(admin, { ...contracts(), verify: async () => [] }, { prefix: '' }))

      expect(error.code).toBe('kafka-unavailable')
      expect(error.message).toContain('no ACL allows us DESCRIBE on topic flow.orders.v1, sync.cursors.v1')
    }
    expect(admin.created).toHaveLength(TOPICS.length)
  })

  it('names what is missing, without creating it', async () => {
    const admin = createFakeTopicAdmin()
    const registry = contracts()
    registry.problems.push({ subject: 'x-value', kind: 'missing', message: "isn't registered" })

    const checked = await checkTopics(admin, registry, { prefix: '' })

    expect(checked.topics.map(({ topic }) => topic)).toEqual(TOPICS.map(({ name }) => name))
    expect(checked.contracts).toHaveLength(1)
    expect(admin.created).toEqual([])
  })
})

describe('a service that asserts its topics', () => {
  const names = ['flow.notifications.v1', 'flow-ingest.retry.v1'] as const

  it('learns how many partitions they have', async () => {
    const admin = createFakeTopicAdmin()
    await applyTopics(admin, contracts(), { prefix: 'blue.', partitions: 6 })

    expect(await assertTopics(admin, names, 'blue.')).toBe(6)
  })

  it('is told when it may not see one, which waiting may cure', async () => {
    const admin = createFakeTopicAdmin()
    await applyTopics(admin, contracts(), { prefix: '' })
    admin.hidden.add('flow-ingest.retry.v1')

    const error = await failureOf(assertTopics(admin, names, ''))

    expect(error.code).toBe('kafka-unavailable')
    expect(error.message).toContain('no ACL allows us DESCRIBE on topic flow-ingest.retry.v1 (')
  })

  it('is refused when one is missing, and told the command', async () => {
    const admin = createFakeTopicAdmin()
    await applyTopics(admin, contracts(), { prefix: '' })
    admin.topics.delete('flow-ingest.retry.v1')

    const error = await failureOf(assertTopics(admin, names, ''))

    expect(error).toMatchObject({
      code: 'topic-missing',
      message: 'checking topics: flow-ingest.retry.v1 missing; run: npx syncctl topics apply',
    })
  })

  it('is refused when one has another number of partitions than the others', async () => {
    const admin = createFakeTopicAdmin()
    await applyTopics(admin, contracts(), { prefix: '' })
    admin.topics.set('flow-ingest.retry.v1', { partitions: 1, replicas: 1, config: {} })

    const error = await failureOf(assertTopics(admin, names, ''))

    expect(error).toMatchObject({
      code: 'config-invalid',
      message:
        'checking topics: flow-ingest.retry.v1 has 1 partition, the others have 12; run: npx syncctl topics check',
    })
  })

  it('starts although a topic of somebody else has no leader', async () => {
    const admin = createFakeTopicAdmin()
    await applyTopics(admin, contracts(), { prefix: '' })
    admin.leaderless = true

    expect(await assertTopics(admin, names, '')).toBe(12)
  })
})
