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
/** A leader that waits for its followers has appended the batch. */
const ANSWERS = [
  ...[0, 10, 19].map((code) => ({ code, isAppended: false })),
  ...[6, 7, 20].map((code) => ({ code, isAppended: true })),
]
const partitionOfKey = (key: string) => KEYS.indexOf(key) % PARTITIONS

const node = fc.constantFrom(...NODES)
const keysOfCall = fc.uniqueArray(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 2 })
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('change' as const),
      keys: keysOfCall,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(0, 10, 300, 1_000) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('hang' as const), node }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('go on' as const), node, newestFirst: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('read one' as const), node, connection: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('busy' as const), node }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('not busy' as const), node }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('break' as const), node }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('lead' as const),
      node: fc.option(node),
      partition: fc.nat(PARTITIONS - 1),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('die' as const), node }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('look up' as const), isSlow: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('refuse' as const), answer: fc.constantFrom(...ANSWERS) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fence' as const), isOpen: fc.boolean() }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** Records wait for a leader that dies, and the lookup of the next leader is slow. */
const election = fc.tuple(node, keysOfCall, keysOfCall).map(([died, first, second]): Step[] => [
  { do: 'hang', node: died },
  { do: 'change', keys: first },
  { do: 'change', keys: second },
  { do: 'pass', ms: 300 },
  { do: 'look up', isSlow: true },
  { do: 'die', node: died },
  { do: 'look up', isSlow: true },
])
const scenario = fc
  .array(fc.oneof({ weight: 20, arbitrary: step.map((each): Step[] => [each]) }, { weight: 1, arbitrary: election }), {
    minLength: 5,
    maxLength: 60,
  })
  .map((parts) => parts.flat())

/**
 * A source of snapshots per key, which sends the newest one until it is acknowledged, one call after the other. Keys that change
 * together are sent by one call.
 */
function given() {
  const time = createManualTime()
  const fake = createFakeProduceCluster({ [TOPIC]: [1, 2, 3, 1] })
  const producer = createClusterProducer({
    ...{ cluster: fake.cluster, deadlineMs: DEADLINE_MS, now: time.now, wallClock: time.now, schedule: time.schedule },
  })
  const versions = new Map<string, number>()
  const acknowledged = new Map<string, number>()
  const isSending = new Set<string>()
  /** Snapshots whose last call has failed. */
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
  const sendNewest = async (...keys: string[]) => {
    const own = keys.filter((key) => !isSending.has(key))
    for (const key of own) isSending.add(key)
    for (;;) {
      const due = own.filter((key) => acknowledged.get(key) !== versions.get(key))
      if (due.length === 0) break
      const snapshots = due.map((key) => ({ key, version: versions.get(key)!, value: `${key} ${versions.get(key)}` }))
      for (const { value } of snapshots) failed.delete(value)
      try {
        await producer.send(snapshots.map(recordOf), fence)
        for (const { key, version } of snapshots) acknowledged.set(key, version)
      } catch {
        for (const { value } of snapshots) failed.add(value)
        // The next attempt comes with the next step that concerns the key, or at the end.
        break
      }
    }
    for (const key of own) isSending.delete(key)
  }
  let answerLookups = () => {}
  /** Lookups of leaders that are slow are answered by the next call. */
  const lookUp = (isSlow: boolean) => {
    answerLookups()
    const { promise, resolve } = Promise.withResolvers<void>()
    answerLookups = resolve
    fake.metadata = isSlow ? promise : Promise.resolve()
  }
  return { time, fake, producer, versions, acknowledged, state, sendNewest, lookUp }
}
type Given = ReturnType<typeof given>

const recordOf = ({ key, value }: { key: string; value: string }) => ({
  ...{ topic: TOPIC, partition: partitionOfKey(key), key, value: Buffer.from(value), headers: {} },
})

const run = async ({ time, fake, versions, state, sendNewest, lookUp }: Given, of: Step) => {
  if (of.do === 'change') {
    for (const key of of.keys) versions.set(key, (versions.get(key) ?? 0) + 1)
    void sendNewest(...of.keys)
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
  else if (of.do === 'die') {
    fake.leaders.set(
      TOPIC,
      leadersIn(fake).map((leader) => (leader === of.node ? null : leader)),
    )
    fake.breakConnection(of.node)
  } else if (of.do === 'lead') {
    fake.leaders.set(TOPIC, leadersIn(fake).with(of.partition, of.node))
  } else if (of.do === 'look up') lookUp(of.isSlow)
  else if (of.do === 'refuse') {
    state.refusal = of.answer.code
    fake.refusesAfterAppend = of.answer.isAppended
  } else state.isOwned = of.isOpen
  await settle()
}

const leadersIn = (fake: Given['fake']) => fake.leaders.get(TOPIC) as (number | null)[]

const versionsInLog = ({ fake }: Given, key: string) =>
  fake
    .values(TOPIC, partitionOfKey(key))
    .filter((value) => value.startsWith(`${key} `))
    .map((value) => Number(value.split(' ')[1]))

it('the newest snapshot of a key is the last, whatever hangs, breaks, moves or arrives late', patience, async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (steps) => {
      const world = given()
      await world.producer.connect()

      for (const each of steps) await run(world, each)
      Object.assign(world.state, { isOwned: true, refusal: 0 })
      world.fake.leaders.set(
        TOPIC,
        leadersIn(world.fake).map((leader) => leader ?? NODES[0]!),
      )
      world.lookUp(false)
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
