import { createRequire } from 'node:module'
import { beforeAll, describe, expect, it } from 'vitest'
import { denialOf } from './denials.ts'
import { mendKafkaJs } from './kafkajs-fixes.ts'
import { refusedTopics } from './kafkajs-refusals.ts'

const internal = createRequire(import.meta.url)
const { KafkaJSSASLAuthenticationError, KafkaJSNonRetriableError, KafkaJSNumberOfRetriesExceeded } =
  internal('kafkajs/src/errors.js')
const { createErrorFromCode } = internal('kafkajs/src/protocol/error.js')
const Connection = internal('kafkajs/src/network/connection.js')
const Broker = internal('kafkajs/src/broker/index.js')
const BrokerPool = internal('kafkajs/src/cluster/brokerPool.js')
const Runner = internal('kafkajs/src/consumer/runner.js')

const NO_TOPIC = 29
const NO_GROUP = 30
const TIMED_OUT = 7

beforeAll(mendKafkaJs)

describe('a refusal', () => {
  it.each<[unknown, ReturnType<typeof denialOf>]>([
    [createErrorFromCode(NO_TOPIC), 'authorization'],
    [createErrorFromCode(NO_GROUP), 'authorization'],
    [new KafkaJSNumberOfRetriesExceeded(createErrorFromCode(31), {}), 'authorization'],
    [createErrorFromCode(58), 'authentication'],
    [new KafkaJSSASLAuthenticationError('SASL PLAIN authentication failed'), 'authentication'],
    [new KafkaJSNonRetriableError('retries', { cause: new KafkaJSSASLAuthenticationError('x') }), 'authentication'],
    [createErrorFromCode(TIMED_OUT), null],
    [new TypeError('no'), null],
    ['text', null],
  ])('is told from other failures: %s', (error, kind) => {
    expect(denialOf(error)).toBe(kind)
  })

  const refused = [
    { partition: 0, errorCode: 0 },
    { partition: 1, errorCode: NO_TOPIC },
  ]
  const fine = [{ partition: 0, errorCode: TIMED_OUT }]
  it.each<[string, unknown, string[]]>([
    [
      'Metadata',
      {
        topicMetadata: [
          { topic: 'a', topicErrorCode: NO_TOPIC },
          { topic: 'b', topicErrorCode: 3 },
        ],
      },
      ['a'],
    ],
    [
      'Produce',
      {
        topics: [
          { topicName: 'a', partitions: fine },
          { topicName: 'b', partitions: refused },
        ],
      },
      ['b'],
    ],
    [
      'Fetch',
      {
        responses: [
          { topicName: 'a', partitions: refused },
          { topicName: 'b', partitions: refused },
        ],
      },
      ['a', 'b'],
    ],
    ['OffsetFetch', { responses: [{ topic: 'a', partitions: refused }] }, ['a']],
    [
      'CreateTopics',
      {
        topicErrors: [
          { topic: 'a', errorCode: NO_TOPIC },
          { topic: 'b', errorCode: 0 },
        ],
      },
      ['a'],
    ],
    ['DescribeConfigs', { resources: [{ resourceName: 'a', errorCode: NO_TOPIC }] }, ['a']],
    ['nothing', null, []],
  ])('names its topics, whatever the shape of the response: %s', (_api, data, topics) => {
    expect(refusedTopics(data)).toEqual(topics)
  })
})

describe('kafkajs', () => {
  const failureOf = (work: Promise<unknown>): Promise<Error> =>
    work.then(
      () => expect.unreachable('it should fail'),
      (error: Error) => error,
    )

  it('says which topic it may not write, in place of what the broker says', async () => {
    const connection = Object.assign(Object.create(Connection.prototype), {
      ...{ isAuthenticated: () => true, failIfNotConnected() {}, nextCorrelationId: () => 1, logDebug() {} },
      logError(_message: string, { error }: { error: string }) {
        logged.push(error)
      },
      requestQueue: {
        push: ({ entry }: { entry: { resolve(answer: object): void } }) =>
          entry.resolve({ correlationId: 1, size: 0, entry, payload: Buffer.alloc(0) }),
        maybeThrottle() {},
      },
    })
    const logged: string[] = []
    const data = { topics: [{ topicName: 'flow.orders.v1', partitions: [{ partition: 0, errorCode: NO_TOPIC }] }] }
    const Encoder = internal('kafkajs/src/protocol/encoder.js')

    const error = await failureOf(
      connection.send({
        request: { apiKey: 0, apiVersion: 7, apiName: 'Produce', encode: async () => new Encoder() },
        response: {
          decode: async () => data,
          async parse() {
            throw createErrorFromCode(NO_TOPIC)
          },
        },
      }),
    )

    expect(error.message).toContain('no ACL allows us WRITE on topic flow.orders.v1 (npx syncctl topics acls')
    expect(logged).toEqual([error.message])
  })

  it('says which group it may not join', async () => {
    const broker = Object.assign(Object.create(Broker.prototype), {
      lookupRequest() {
        throw createErrorFromCode(NO_GROUP)
      },
    })

    expect((await failureOf(broker.joinGroup({ groupId: 'flow-ingest' }))).message).toContain(
      'no ACL allows us READ on group flow-ingest',
    )
  })

  it('tells what any broker refuses, and goes on to the next one at other failures', async () => {
    const pool = Object.assign(Object.create(BrokerPool.prototype), {
      brokers: { 1: {}, 2: {} },
      findBroker: async () => ({}),
    })
    let asked = 0
    const answering = (failure: Error) => async () => {
      asked++
      throw failure
    }

    expect(await failureOf(pool.withBroker(answering(createErrorFromCode(NO_GROUP))))).toMatchObject({
      type: 'GROUP_AUTHORIZATION_FAILED',
    })
    expect(asked).toBe(1)
    expect(await pool.withBroker(answering(createErrorFromCode(TIMED_OUT)))).toBeNull()
    expect(asked).toBe(3)
  })

  it.each([
    [createErrorFromCode(NO_TOPIC), { retriable: true, retryTime: 5_000 }],
    [
      new KafkaJSNonRetriableError(new KafkaJSSASLAuthenticationError('x'), {
        cause: new KafkaJSSASLAuthenticationError('x'),
      }),
      { retryTime: 5_000 },
    ],
    [createErrorFromCode(28), { retriable: false }],
  ])('starts a consumer again after a refusal, and only then: %s', async (failure, expected) => {
    const crashes: Error[] = []
    const runner = Object.assign(Object.create(Runner.prototype), {
      running: false,
      consumerGroup: {
        async connect() {
          throw failure
        },
      },
      onCrash: (error: Error) => void crashes.push(error),
    })

    await runner.start()
    await runner.start()

    expect(crashes).toEqual([failure, failure])
    expect(crashes[0]).toMatchObject(expected)
    const cause = (crashes[0]!.cause ?? crashes[0]) as { retriable: boolean }
    expect(cause.retriable).toBe('retryTime' in expected)
  })
})
