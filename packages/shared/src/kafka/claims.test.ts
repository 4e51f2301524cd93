import { expect, it } from 'vitest'
import { createLogger } from '../logger.ts'
import { createClaims } from './claims.ts'
import { createGate } from './partition-gate.ts'

it('a partition without a commit to claim it by is not claimed', async () => {
  const gates = new Map([[0, createGate()]])
  const commits: unknown[] = []
  const claims = createClaims({
    gates,
    commit: async (requests) => void commits.push(requests),
    requestsFor: () => [],
    logger: createLogger({ service: 'test', level: 'silent' }),
  })

  expect(await claims.take(() => [...gates])).toBe(false)
  expect(commits).toEqual([])
})
