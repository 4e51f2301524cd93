import fc from 'fast-check'
import { afterEach, describe, it, vi } from 'vitest'
import { patience, timedRuns } from '../testing/runs.ts'
import { play } from '../testing/simulation/play.ts'
import type { Step } from '../testing/simulation/script.ts'
import type { WorldOptions } from '../testing/simulation/world.ts'

type Arrival = Extract<Step, { do: 'arrive' }>
const arrive = (fields: Partial<Arrival> = {}): Step => ({
  ...{ do: 'arrive', topic: 'flow.customers.v1', tenant: 'acme', key: 0, count: 1, group: 'customer' },
  ...{ tries: [], always: 'ok', kind: 'fine', gap: 0 },
  ...fields,
})
const pass = (ms: number): Step => ({ do: 'pass', ms })
/** Without the client's word before the join. */
const give = (...owners: number[]): Step => ({ do: 'rebalance', owners, isAnnounced: false })

/** Each with its steps, to be played with any timing. */
const SCENARIOS: readonly (readonly [string, Omit<WorldOptions, 'seed'>, readonly Step[]])[] = [
  [
    'an older record that the registry keeps waiting is not passed by a newer one',
    {},
    [{ do: 'fault', call: 'decode', how: 'refused', count: 1 }, arrive({ count: 2 }), pass(15_000)],
  ],
  [
    'two writes of unknown end of one record are both looked at again',
    {},
    [arrive({ tries: ['unknown end', 'unknown end'] }), pass(15_000)],
  ],
  [
    'partitions that nothing was read of are paused too when memory is full',
    { limits: { maxPendingRecords: 8 } },
    [arrive({ count: 14 }), arrive({ topic: 'omnium.orders.v1', count: 14 }), arrive({ count: 14, key: 1 })],
  ],
  [
    'what is full stays paused through a rebalance',
    { limits: { maxPendingRecords: 8 } },
    [
      arrive({ count: 14 }),
      arrive({ count: 14 }),
      pass(50),
      give(0, 0, 0),
      arrive({ count: 14 }),
      pass(300),
      give(1, 1, 1),
    ],
  ],
  [
    'a partition that comes back to a process waits for the requests that it aborted there',
    { slowPart: 0.9 },
    [
      arrive({ count: 14 }),
      pass(400),
      give(1, 0, 0),
      pass(300),
      give(0, 0, 0),
      pass(300),
      give(0, 1, 1),
      pass(300),
      give(0, 0, 0),
    ],
  ],
  [
    'a member that was out of the group for a moment need not repeat what it ended, though no commit has room for it',
    { maxMetadataLength: 40 },
    [
      ...[arrive(), pass(5_000), { do: 'crash', place: 0 } as const, arrive({ count: 14, gap: 1 }), pass(9_000)],
      ...[arrive({ group: null }), pass(1_300), { do: 'cut', place: 1 } as const, arrive({ group: null })],
      ...[pass(6_000), arrive()],
    ],
  ],
  [
    'a partition that waits for its former owner is not released when its new owner stops',
    { slowPart: 0.9 },
    [
      { do: 'start', place: 2 },
      ...[pass(1_000), arrive({ count: 14 }), pass(5_000), arrive({ count: 14 }), pass(500)],
      ...[give(1, 1, 2), pass(200), { do: 'stop', place: 1 } as const, pass(5_000)],
    ],
  ],
  [
    'a topic that is created again, and whose new log is longer than what was read when its members join',
    { hasReadLane: true },
    [
      ...[arrive({ group: null, tries: ['waits', 'waits', 'waits', 'waits'] }), arrive({ count: 14 }), pass(1_500)],
      { do: 'recreate', topic: 'flow.customers.v1' },
      { do: 'rebalance', owners: [0, 1, 0], isAnnounced: true },
      ...[arrive({ count: 14, group: null }), arrive({ count: 14, group: null }), arrive({ count: 14 }), pass(9_000)],
    ],
  ],
  [
    'a topic that is created again before its first id was answered',
    { hasReadLane: true },
    [
      { do: 'fault', call: 'topic-ids', how: 'refused', count: 2 },
      ...[{ do: 'start', place: 2 } as const, { do: 'crash', place: 0 } as const, pass(5_300)],
      ...[arrive({ group: null, count: 2 }), give(1, 0, 1), pass(900)],
      { do: 'recreate', topic: 'flow.customers.v1' },
      ...[pass(1_000), { do: 'start', place: 0 } as const],
    ],
  ],
  [
    'a topic that is created again twice, with records that were read between',
    { hasReadLane: true },
    [
      ...[arrive(), pass(300), arrive({ topic: 'omnium.orders.v1', count: 14 }), pass(300)],
      { do: 'recreate', topic: 'omnium.orders.v1' },
      ...[arrive({ count: 14 }), pass(300), arrive({ topic: 'omnium.orders.v1' }), pass(5)],
      { do: 'recreate', topic: 'omnium.orders.v1' },
      ...[pass(1_000), arrive({ topic: 'omnium.orders.v1', count: 2 })],
    ],
  ],
]

describe('the runtime, in situations that were too much for it, or are rare', () => {
  afterEach(() => void vi.useRealTimers())

  it.each(SCENARIOS)('%s', patience, async (_name, options, steps) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1e6), (seed) => play({ ...options, seed }, steps)),
      timedRuns(10),
    )
  })
})
