import { describe, expect, it } from 'vitest'
import { SyncError } from './errors.ts'
import { untilReachable } from './until-reachable.ts'

const lost = new SyncError('topic-missing', 'looking up contract x: not registered')

function given(ends: readonly (Error | 'reached')[], final: readonly ('topic-missing' | 'config-invalid')[] = []) {
  const left = [...ends]
  const told: string[] = []
  const problems: (string | null)[] = []
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
    onProblem: (problem: string | null) => void problems.push(problem),
  }
  return { reaching, told, problems }
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

  it('is told of again when it is an error of a library, and another one', async () => {
    const refused = (at: string) => Object.assign(new Error(`connect ECONNREFUSED ${at}`), { code: 'ECONNREFUSED' })
    const wrapped = new Error('retries', { cause: refused('10.0.0.1:9092') })
    const unknown = Object.assign(new Error('SASL PLAIN authentication failed'), {
      name: 'KafkaJSSASLAuthenticationError',
    })
    const { reaching, told, problems } = given([wrapped, refused('10.0.0.2:9092'), unknown, 'reached'])

    await untilReachable(reaching)

    expect(told).toEqual(['retries', 'SASL PLAIN authentication failed'])
    expect(problems).toEqual([
      'connect ECONNREFUSED 10.0.0.1:9092',
      'connect ECONNREFUSED 10.0.0.2:9092',
      'SASL PLAIN authentication failed',
      null,
    ])
  })

  it('is given up for what no waiting cures, and at a stop', async () => {
    await expect(untilReachable(given([lost, 'reached'], ['topic-missing']).reaching)).rejects.toBe(lost)
    await expect(untilReachable(given([lost]).reaching)).rejects.toBe(lost)
  })
})
