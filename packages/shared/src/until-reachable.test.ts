import { describe, expect, it } from 'vitest'
import { SyncError } from './errors.ts'
import { untilReachable } from './until-reachable.ts'

const lost = new SyncError('topic-missing', 'looking up contract x: not registered')

function given(ends: readonly (SyncError | 'reached')[], final: readonly ('topic-missing' | 'config-invalid')[] = []) {
  const left = [...ends]
  const told: string[] = []
  const aborting = new AbortController()
  const reaching = {
    ...{ what: 'schema registry', final, signal: aborting.signal },
    async attempt() {
      const end = left.shift()!
      if (end === 'reached') return end
      if (left.length === 0) aborting.abort()
      throw end
    },
    logger: { warn: ({ err }: { err: Error }) => void told.push(err.message) } as never,
  }
  return { reaching, told }
}

describe('what a start waits for', () => {
  it('is asked for until it is there', async () => {
    const { reaching, told } = given([lost, 'reached'])

    expect(await untilReachable(reaching)).toBe('reached')
    expect(told).toEqual([lost.message])
  })

  it('is told of again when it is lacking for another reason', async () => {
    const away = new SyncError('registry-unavailable', 'no answer')
    const { reaching, told } = given([away, lost, 'reached'])

    await untilReachable(reaching)

    expect(told).toEqual([away.message, lost.message])
  })

  it('is given up for what no waiting cures, and at a stop', async () => {
    await expect(untilReachable(given([lost, 'reached'], ['topic-missing']).reaching)).rejects.toBe(lost)
    await expect(untilReachable(given([lost]).reaching)).rejects.toBe(lost)
  })
})
