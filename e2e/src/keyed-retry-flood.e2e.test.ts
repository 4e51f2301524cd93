import { keyOf } from '@sync/shared/kafka/publisher'
import { afterEach, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { behind, wentBack } from './keyed-check.ts'
import { type KeyedWorld, LONG_SESSION, startKeyedWorld } from './keyed-world.ts'

let world: KeyedWorld
afterEach(() => world?.stop())

const DOWN = 'acme-no'
const UP = 'bolt-se'
const KEYS = 4_000
const INPUT = 'flow.customers.v1'
const RETRY = 'customer-mapper.retry.v1'

it('many deferred records of a tenant whose target is down do not delay the record of another tenant in the retry topic', async () => {
  world = await startKeyedWorld({
    file: 'keyed-retry-flood',
    tenants: [DOWN, UP],
    // The retry topic may have some 500 records in memory.
    env: { KEYED_NEWEST: '1', MAX_PENDING_BYTES: '2097152', LOG_LEVEL: 'warn', ...LONG_SESSION },
  })
  const { sink, load, topics } = world
  sink.behave(({ tenant }) => (tenant === DOWN ? { status: 503 } : { latencyMs: 5 }))
  await world.join('a')
  const inRetryTopic = async () => [...(await topics.ends(RETRY)).values()].reduce((sum, end) => sum + end, 0)
  await load.write(UP, ['redriven'])
  await eventually('the record of the other tenant', () => sink.stored(UP, 'redriven') === 1)
  await load.write(
    DOWN,
    Array.from({ length: KEYS }, (_, i) => `key-${i}`),
  )
  await eventually('most of the flood in the retry topic', async () => (await inRetryTopic()) > KEYS * 0.8, 90_000)
  const input = await topics.records(INPUT)
  const isOriginal = ({ key }: { readonly key: string | null }) => key === keyOf(UP, 'redriven')
  await eventually('the original record', () => input.some(isOriginal))
  const { bytes, partition, offset, key } = input.find(isOriginal)!

  const writtenAt = performance.now()
  await topics.write(RETRY, {
    key,
    value: bytes,
    headers: {
      'lane-why': 'redriven',
      'lane-topic': world.prefix + INPUT,
      'lane-partition': String(partition),
      'lane-offset': String(offset),
      'lane-redrives': '1',
    },
  })
  const outcomes = await topics.records('sync.outcomes.v1')
  const isEnded = () => outcomes.some(({ value }) => value?.tenant === UP && value.lane === 'redriven')
  // A minute is the goal. The machine of a test may be slow.
  await eventually('the end of the redriven record', isEnded, 150_000)
  const redrivenMs = Math.round(performance.now() - writtenAt)
  const written = await inRetryTopic()

  sink.behave(() => ({ latencyMs: 1 }))
  const newest = load.newest(DOWN)
  await eventually(
    'the newest of all of the flood',
    () => behind(newest, (id) => sink.stored(DOWN, id)).length === 0,
    420_000,
  )
  console.log(
    `behind ${KEYS} deferred records: handled after ${redrivenMs} ms, ${written} records in the retry topic by then, ` +
      `${await inRetryTopic()} when all had ended`,
  )
  expect(wentBack(sink.calls, load.partitionOf)).toEqual([])
  expect(await world.parked()).toEqual([])
}, 720_000)
