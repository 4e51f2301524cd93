import { execFile } from 'node:child_process'
import { delimiter, resolve } from 'node:path'
import { assertTopics } from '@sync/shared/kafka/apply-topics'
import { createKafka } from '@sync/shared/kafka/connect'
import { TOPICS } from '@sync/shared/kafka/topics'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTopics } from './create-topics.ts'
import { newTopicPrefix, sharedStack } from './stack.ts'

const COMMAND_MS = 60_000
const ROOT = resolve(import.meta.dirname, '..', '..')
/** npx puts it first on the path too, so that the command runs on the pinned Node. */
const BIN = resolve(ROOT, 'node_modules', '.bin')

const { brokers, registryUrl } = sharedStack()
const plain = { kafkaSsl: false, kafkaSaslMechanism: undefined, kafkaSaslUsername: undefined }
const connection = { ...plain, kafkaBrokers: brokers, kafkaSaslPassword: undefined }
const admin = createKafka(connection, { clientId: 'topics-e2e' }).admin()
beforeAll(() => admin.connect())
afterAll(() => admin.disconnect())

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs the installed command as a person would. */
const syncctl = (prefix: string, ...args: string[]): Promise<Ended> =>
  new Promise((done) => {
    const env = {
      ...process.env,
      PATH: `${BIN}${delimiter}${process.env.PATH ?? ''}`,
      KAFKA_BROKERS: brokers.join(),
      SCHEMA_REGISTRY_URL: registryUrl,
      TOPIC_PREFIX: prefix,
    }
    execFile(resolve(BIN, 'syncctl'), args, { env, cwd: ROOT, timeout: COMMAND_MS }, (error, out, err) => {
      done({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, err })
    })
  })

const newPrefix = () => newTopicPrefix('topics')

describe('syncctl topics', { timeout: COMMAND_MS }, () => {
  it('creates what a check misses, and then has nothing to do', async () => {
    const prefix = newPrefix()

    const before = await syncctl(prefix, 'topics', 'check')
    const applied = await syncctl(prefix, 'topics', 'apply', '--partitions', '3')
    const again = await syncctl(prefix, 'topics', 'apply', '--json')
    const after = await syncctl(prefix, 'topics', 'check')

    expect(before.code).toBe(2)
    expect(before.out).toContain('Run: npx syncctl topics apply')
    expect(applied).toMatchObject({ code: 0, err: '' })
    expect(again.code).toBe(0)
    expect(JSON.parse(again.out)).toMatchObject({ created: [], partitions: 3, problems: [] })
    expect(after).toMatchObject({ code: 0, err: '' })
    expect(await assertTopics(admin, ['flow.customers.v1', 'customer-mapper.retry.v1'], prefix)).toBe(3)
  })

  it('creates each topic with the configuration of the table', async () => {
    const prefix = newPrefix()
    await syncctl(prefix, 'topics', 'apply', '--partitions', '1')

    const topic = 2
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: TOPICS.map(({ name }) => ({ type: topic, name: prefix + name })),
    })

    for (const { name, config } of TOPICS) {
      const found = resources.find(({ resourceName }) => resourceName === prefix + name)?.configEntries ?? []
      const actual = Object.fromEntries(found.map(({ configName, configValue }) => [configName, configValue]))
      expect(actual, name).toMatchObject(config)
    }
  })

  it('refuses to change the number of partitions, and says why', async () => {
    const prefix = newPrefix()
    await syncctl(prefix, 'topics', 'apply', '--partitions', '2')

    const refused = await syncctl(prefix, 'topics', 'apply', '--partitions', '4')

    expect(refused).toMatchObject({ code: 2, err: '' })
    expect(refused.out).toContain('would move keys')
    expect(refused.out).toContain('Refused')
    expect(await assertTopics(admin, ['flow.customers.v1'], prefix)).toBe(2)
  })

  it('reports a topic that was set up otherwise, without altering it', async () => {
    const prefix = newPrefix()
    const foreign = `${prefix}flow.customers.v1`
    await createTopics(admin, [{ topic: foreign, numPartitions: 2 }])

    const applied = await syncctl(prefix, 'topics', 'apply')
    const checked = await syncctl(prefix, 'topics', 'check')

    expect(applied.code).toBe(2)
    expect(applied.out).toContain(`differs     ${foreign} has cleanup.policy=delete, wanted: compact`)
    expect(checked.code).toBe(2)
    expect(checked.out).toContain(`kafka-configs.sh --alter --topic ${foreign} --add-config cleanup.policy=compact`)
    expect(await assertTopics(admin, ['flow.customers.v1', 'sync.cursors.v1'], prefix)).toBe(2)
  })

  it('may run twice at once', async () => {
    const prefix = newPrefix()

    const both = await Promise.all([syncctl(prefix, 'topics', 'apply'), syncctl(prefix, 'topics', 'apply')])

    expect(both.map(({ code, err }) => `${code} ${err}`)).toEqual(['0 ', '0 '])
    expect((await syncctl(prefix, 'topics', 'check')).code).toBe(0)
  })
})
