import { expect, test } from 'vitest'
import type { CircuitStatus } from './http/circuits.ts'
import type { Usage } from './http/target-usage.ts'
import { createTargetStates } from './target-states.ts'
import { createFakePublisher } from './testing/fake-publisher.ts'

const MINUTE_MS = 60_000

function given() {
  const world = {
    nowMs: Date.parse('2026-05-01T12:00:00Z'),
    circuits: [] as CircuitStatus[],
    usage: [] as Usage[],
    publisher: createFakePublisher(),
  }
  let next = Promise.withResolvers<void>()
  const waiting = { resolve: () => {} }
  const states = createTargetStates({
    ...{ service: 'customer-mapper', instance: 'one', publisher: world.publisher, now: () => world.nowMs },
    circuits: () => world.circuits,
    usage: () => world.usage,
    wait(_ms, signal) {
      signal.addEventListener('abort', () => next.resolve(), { once: true })
      waiting.resolve()
      return next.promise
    },
  })
  /** Runs the next turn, and waits until it is over. */
  const turn = async () => {
    const ended = new Promise<void>((resolve) => {
      waiting.resolve = resolve
    })
    const current = next
    next = Promise.withResolvers<void>()
    current.resolve()
    await ended
    return world.publisher.values('sync.cursors.v1')
  }
  const start = async () => {
    const ended = new Promise<void>((resolve) => {
      waiting.resolve = resolve
    })
    await states.start()
    await ended
  }
  return { world, states, start, turn }
}

const circuit = (fields: Partial<CircuitStatus> = {}): CircuitStatus => ({
  ...{ tenant: 'acme', target: 'omnium', state: 'closed', cause: null, sinceMs: 0, retryAtMs: null },
  ...fields,
})

test('tells the state of a target that is in use, once, and again when it changes', async () => {
  const { world, states, start, turn } = given()
  world.circuits = [circuit()]
  await start()
  expect(world.publisher.published).toEqual([])

  world.usage = [{ tenant: 'acme', target: 'omnium', requests: 10, throttled: 0 }]
  await turn()
  await turn()
  world.circuits = [circuit({ state: 'open', cause: 'unreachable' })]
  const told = await turn()
  await states.stop()

  expect(told).toMatchObject([
    { entity: 'target-state', mark: 'closed', process: 'customer-mapper/one', requests: 10, throttled: 0 },
    { entity: 'target-state', mark: 'open', cause: 'unreachable' },
  ])
  expect(world.publisher.published[0]?.key).toBe('acme:omnium:target-state:customer-mapper/one')
})

test('tells an unchanged state again after ten minutes, and a state whose produce failed at the next turn', async () => {
  const { world, states, start, turn } = given()
  world.circuits = [circuit()]
  world.usage = [{ tenant: 'acme', target: 'omnium', requests: 1, throttled: 0 }]
  world.publisher.fail(new Error('no broker'))
  await start()
  expect(world.publisher.published).toHaveLength(0)
  expect(await turn()).toHaveLength(1)
  world.nowMs += 9 * MINUTE_MS
  expect(await turn()).toHaveLength(1)
  world.nowMs += MINUTE_MS
  expect(await turn()).toHaveLength(2)
  await states.stop()
})
