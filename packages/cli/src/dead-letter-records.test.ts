import { deadLetterMessage } from '@sync/shared/kafka/dead-letter'
import type { RawMessage, SourceRecord } from '@sync/shared/kafka/ports'
import { expect, test } from 'vitest'
import type { Cluster } from './cluster.ts'
import { markerOf, readLetters } from './dead-letter-records.ts'

const TOPIC = 'customer-mapper.dead-letters.v1'

/** A dead-letter topic of one partition, as it was written. */
function given() {
  const records: SourceRecord[] = []
  const cluster = {
    prefix: '',
    partitionOf: async () => undefined,
    ranges: async (topics: readonly string[]) => topics.map((topic) => ({ topic, partition: 0, from: 0, to: 9 })),
    async read({ ranges, take }: Parameters<Cluster['read']>[0]) {
      if (ranges.some(({ topic }) => topic === TOPIC)) for (const record of records) await take(record)
    },
  } as unknown as Cluster
  const write = ({ topic, key, value, headers }: RawMessage): SourceRecord => {
    const record = { topic, partition: 0, offset: records.length, timestamp: 1, key: Buffer.from(key!), value, headers }
    records.push(record)
    return record
  }
  const park = (redrives: number) =>
    write(
      deadLetterMessage(
        TOPIC,
        { key: Buffer.from('acme:1000'), value: Buffer.from('{}'), headers: {} },
        {
          origin: { topic: 'flow.customers.v1', partition: 0, offset: 7 },
          ...{ reason: 'contract-violation', message: 'reading', attempts: 0, redrives },
          ...{ firstFailureAt: 1_000 + redrives, lastFailureAt: 1_000 + redrives },
        },
      ),
    )
  const states = async () =>
    (await readLetters(cluster, { service: 'customer-mapper' })).map(({ state, redrives }) => [state, redrives])
  return { write, park, states }
}

test('a letter is as its last mark says', async () => {
  const { write, park, states } = given()

  const letter = park(0)
  expect(await states()).toEqual([['parked', 0]])
  write(markerOf(TOPIC, letter, 'redriven'))
  expect(await states()).toEqual([['redriven', 0]])
  const again = park(1)
  expect(await states()).toEqual([['parked', 1]])
  write(markerOf(TOPIC, again, 'discarded'))
  expect(await states()).toEqual([['discarded', 1]])
})

test('one that is parked again before its redrive is marked is still there', async () => {
  const { write, park, states } = given()

  const letter = park(0)
  park(1)
  write(markerOf(TOPIC, letter, 'redriven'))

  expect(await states()).toEqual([['parked', 1]])
})
