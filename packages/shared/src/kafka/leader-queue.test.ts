import { expect, it } from 'vitest'
import { createFakeProduceCluster } from '../testing/fake-produce-cluster.ts'
import { createManualTime, settle } from '../testing/manual-time.ts'
import { createLeaderQueue } from './leader-queue.ts'
import { createSequences, LAST_EPOCH } from './sequences.ts'

it('a queue that finds the last epoch used up by another queue keeps its connection', async () => {
  const time = createManualTime()
  const fake = createFakeProduceCluster({ a: [1] })
  const sequences = createSequences()
  sequences.begin(1n)
  for (let epoch = 0; epoch < LAST_EPOCH; epoch++) sequences.leaveEpoch(epoch)
  const queue = createLeaderQueue({
    ...{ nodeId: 1, cluster: fake.cluster, sequences, untilProducer: async () => {} },
    ...{ deadlineMs: 1_000, maxRecords: 10, maxBytes: 1_000 },
    ...{ now: time.now, wallClock: time.now, schedule: time.schedule },
    ...{ isLeaderOf: () => true, sendElsewhere: () => {}, untilLeadersAsked: async () => {}, onEnd: () => {} },
  })
  const send = (value: string) =>
    new Promise<void>((resolve, reject) => {
      const call = { fence: undefined, expiresAt: Number.POSITIVE_INFINITY, parts: 1, hasEnded: false, resolve, reject }
      const message = { topic: 'a', key: 'k', value: Buffer.from(value), headers: {} }
      queue.add({ call, records: [{ message, partition: 0 }], bytes: value.length })
    })
  await send('1')
  fake.broker(1).isBusy = true
  const unlucky = send('2')
  unlucky.catch(() => {})
  await settle()
  await settle()

  sequences.leaveEpoch(LAST_EPOCH)
  fake.stopBeingBusy(1)
  await expect(unlucky).rejects.toThrow('a new producer id is needed')
  sequences.begin(2n)
  await send('3')

  expect(fake.broker(1).connections.map(({ isOpen }) => isOpen)).toEqual([true])
  expect(queue.state()).toEqual({ isHealthy: true, problem: null })
  expect(fake.values('a')).toEqual(['1', '3'])
})
