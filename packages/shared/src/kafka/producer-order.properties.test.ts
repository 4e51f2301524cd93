import fc from 'fast-check'
import { expect, it } from 'vitest'
import { SyncError } from '../errors.ts'
import { createFakeProduceCluster } from '../testing/fake-produce-cluster.ts'
import { createManualTime, settle } from '../testing/manual-time.ts'
import { patience, timedRuns } from '../testing/runs.ts'
import { createClusterProducer } from './producer.ts'

const TOPIC = 'snapshots'
const NODES = [1, 2, 3]
const PARTITIONS = 4
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f']
const DEADLINE_MS = 1_000
const partitionOfKey = (key: string) => KEYS.indexOf(key) % PARTITIONS

const node = fc.constantFrom(...NODES)
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('change' as const), key: fc.constantFrom(...KEYS) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(0, 10, 300, 1_000) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('hang' as const), node }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('go on' as const), node, newestFirst: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('read one' as const), node, connection: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('busy' as const), node }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('not busy' as const), node }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('break' as const), node }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('lead' as const), node, partition: fc.nat(PARTITIONS - 1) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('refuse' as const), code: fc.constantFrom(0, 7, 10, 19, 20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fence' as const), isOpen: fc.boolean() }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** A source of snapshots per key, which sends the newest one until it is acknowledged, one call after the other. */
function given() {
  const time = createManualTime()
  const fake = createFakeProduceCluster({ [TOPIC]: [1, 2, 3, 1] })
  const producer = createClusterProducer({
    ...{ cluster: fake.cluster, deadlineMs: DEADLINE_MS, now: time.now, wallClock: time.now, schedule: time.schedule },
  })
  const versions = new Map<string, number>()
  const acknowledged = new Map<string, number>()
  const isSending = new Set<string>()
  /** Snapshots whose last call was told that it failed. */
  const failed = new Set<string>()
  const state = { isOwned: true, refusal: 0, wereSentAfterTheEnd: [] as string[] }
  fake.refusal = () => state.refusal
  fake.onLeave = ({ batches }) => {
    for (const { records } of batches)
      for (const { value } of records) if (failed.has(String(value))) state.wereSentAfterTheEnd.push(String(value))
  }
  const fence = () => {
    if (!state.isOwned) throw new SyncError('fenced', 'the partition is not ours')
  }
  const sendNewest = async (key: string) => {
    if (isSending.has(key)) return
    isSending.add(key)
    while (acknowledged.get(key) !== versions.get(key)) {
      const version = versions.get(key)!
      const value = `${key} ${version}`
      failed.delete(value)
      const message = { topic: TOPIC, partition: partitionOfKey(key), key, value: Buffer.from(value), headers: {} }
      try {
        await producer.send([message], fence)
        acknowledged.set(key, version)
      } catch {
        failed.add(value)
        // The next attempt comes with the next step that concerns the key, or at the end.
        break
      }
    }
    isSending.delete(key)
  }
  return { time, fake, producer, versions, acknowledged, state, sendNewest }
}
type Given = ReturnType<typeof given>

const run = async ({ time, fake, versions, state, sendNewest }: Given, of: Step) => {
  if (of.do === 'change') {
    versions.set(of.key, (versions.get(of.key) ?? 0) + 1)
    void sendNewest(of.key)
  } else if (of.do === 'pass') await time.advance(of.ms)
  else if (of.do === 'hang') fake.broker(of.node).isHung = true
  else if (of.do === 'go on') {
    const connections = [...fake.broker(of.node).connections.keys()]
    for (const each of of.newestFirst ? connections.toReversed() : connections) while (fake.read(of.node, each));
    fake.goOn(of.node)
  } else if (of.do === 'read one') fake.read(of.node, of.connection)
  else if (of.do === 'busy') fake.broker(of.node).isBusy = true
  else if (of.do === 'not busy') fake.stopBeingBusy(of.node)
  else if (of.do === 'break') fake.breakConnection(of.node)
  else if (of.do === 'lead') {
    const leaders = fake.leaders.get(TOPIC) as number[]
    fake.leaders.set(TOPIC, leaders.with(of.partition, of.node))
  } else if (of.do === 'refuse') state.refusal = of.code
  else state.isOwned = of.isOpen
  await settle()
}

const versionsInLog = ({ fake }: Given, key: string) =>
  fake
    .values(TOPIC, partitionOfKey(key))
    .filter((value) => value.startsWith(`${key} `))
    .map((value) => Number(value.split(' ')[1]))

it('the newest snapshot of a key is the last, whatever hangs, breaks, moves or arrives late', patience, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const world = given()
      await world.producer.connect()

      for (const each of steps) await run(world, each)
      Object.assign(world.state, { isOwned: true, refusal: 0 })
      for (const node of NODES) world.fake.stopBeingBusy(node)
      for (let attempt = 0; attempt < 5; attempt++) {
        for (const node of NODES) world.fake.goOn(node)
        await world.time.advance(2 * DEADLINE_MS)
        for (const key of world.versions.keys()) void world.sendNewest(key)
      }
      await world.time.advance(2 * DEADLINE_MS)

      expect(world.acknowledged).toEqual(world.versions)
      expect(world.state.wereSentAfterTheEnd).toEqual([])
      for (const [key, version] of world.versions) {
        const logged = versionsInLog(world, key)
        expect(logged).toEqual(logged.toSorted((a, b) => a - b))
        expect(logged.at(-1)).toBe(version)
      }
    }),
    timedRuns(300),
  )
})
