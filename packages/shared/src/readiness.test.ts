import { expect, test } from 'vitest'
import { type Readiness, waitsOf } from './readiness.ts'

const consuming = { isConsuming: () => true, unclaimed: () => [] }
const ready: Readiness = { waitingFor: new Set(), isProducerHealthy: true, runtime: consuming, isStopping: false }
const unclaimed = [{ partition: 3, topics: ['flow.customers.v1'], refusals: 3, problem: 'no ACL' }]

test.each<[string, Partial<Readiness>, string[]]>([
  ['all goes well', {}, []],
  [
    'the start is not over',
    { waitingFor: new Set(['consumer group', 'start']), runtime: null },
    ['consumer group', 'start'],
  ],
  [
    'Kafka was never reached',
    { waitingFor: new Set(['kafka', 'consumer group']), isProducerHealthy: false },
    ['kafka', 'consumer group'],
  ],
  ['writes to Kafka fail', { isProducerHealthy: false }, ['kafka']],
  ['the group has not heard of us', { runtime: { ...consuming, isConsuming: () => false } }, ['consumer group']],
  ['a claim is refused', { runtime: { ...consuming, unclaimed: () => unclaimed } }, ['partition claim']],
  ['the service stops', { isStopping: true }, ['stopping']],
])('when %s, /ready waits for the right thing', (_case, fields, expected) => {
  expect(waitsOf({ ...ready, ...fields })).toEqual(expected)
})
