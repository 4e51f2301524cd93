import { expect, it, vi } from 'vitest'
import type { Cluster } from './cluster.ts'
import { commitOffsets } from './group-offsets.ts'
import { resetStaleOffsets } from './stale-offsets.ts'

vi.mock('./group-offsets.ts', async (original) => ({
  ...(await original<typeof import('./group-offsets.ts')>()),
  commitOffsets: vi.fn(async () => {}),
}))

const CREATED = ['p.flow.customers.v1']
/** A cluster in which the customer-mapper has committed these offsets of `flow.customers.v1`. */
const clusterOf = (offsets: readonly string[], members: readonly object[] = []) =>
  ({
    prefix: 'p.',
    admin: {
      fetchOffsets: async ({ groupId }: { groupId: string }) =>
        groupId === 'p.customer-mapper'
          ? [{ topic: CREATED[0], partitions: offsets.map((offset, partition) => ({ partition, offset })) }]
          : [],
      describeGroups: async () => ({ groups: [{ members }] }),
    },
  }) as unknown as Cluster

it('resets the offsets that a group without members has of a topic that was created', async () => {
  const cluster = clusterOf(['5000', '-1', '7'])

  const stale = await resetStaleOffsets(cluster, CREATED)

  expect(stale).toEqual([{ service: 'customer-mapper', topic: CREATED[0], partitions: [0, 2], isReset: true }])
  expect(vi.mocked(commitOffsets).mock.calls).toEqual([
    [
      cluster,
      'customer-mapper',
      ['flow.customers.v1'],
      [0, 2].map((partition) => ({ topic: CREATED[0], partition, from: 0 })),
    ],
  ])
})

it.each([
  ['a group that has members', clusterOf(['5000'], [{ clientId: 'a' }]), CREATED, [false]],
  ['a group without offsets', clusterOf(['-1', '0']), CREATED, []],
  ['no topic that was created', clusterOf(['5000']), [], []],
])('changes nothing for %s', async (_case, cluster, created, areReset) => {
  vi.mocked(commitOffsets).mockClear()

  const stale = await resetStaleOffsets(cluster, created)

  expect(stale.map(({ isReset }) => isReset)).toEqual(areReset)
  expect(commitOffsets).not.toHaveBeenCalled()
})
