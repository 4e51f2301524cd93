import { describe, expect, it } from 'vitest'
import { SyncError } from '../errors.ts'
import { aCall } from '../testing/builders.ts'
import { createManualTime } from '../testing/manual-time.ts'
import { simulateExchange } from '../testing/simulated-exchange.ts'
import { createPatience } from './patience.ts'
import type { HttpAnswer, Operation, TargetRequest } from './request.ts'

const DEADLINE_MS = 10_000

/** A target that answers each request after the ms that `took` says, or leaves it without an answer (null). */
const given = (took: (sent: number) => number | null, givesUpWrites = true) => {
  const time = createManualTime(0)
  const { now, schedule } = time
  const waits: number[] = []
  const { repeatReads, limit } = createPatience({ deadlineMs: DEADLINE_MS, now, schedule, givesUpWrites })
  const answer = (request: TargetRequest): Promise<HttpAnswer> => {
    const tookMs = took(waits.length) ?? Number.POSITIVE_INFINITY
    waits.push(request.deadlineMs ?? 0)
    return simulateExchange(request, { tookMs, error: null }, { schedule, deadlineMs: DEADLINE_MS, noAnswer })
  }
  const layers = repeatReads(limit(answer))
  const send = async (operation: Operation, key = 'acme:1') => {
    const request = { target: 'omnium', operation, method: 'GET', baseUrl: '', path: '', call: aCall({ key }) } as const
    const results: (number | string)[] = []
    void layers(request).then(
      ({ status }) => results.push(status),
      (error: SyncError) => results.push(error.isGivenUp ? 'given up' : error.code),
    )
    while (results.length === 0) await time.advance(100)
    return results[0]
  }
  return { send, waits, advance: time.advance }
}
const noAnswer = () => new SyncError('target-timeout', 'asking: no answer')
const hasAnswered = (sent: number) => sent === 0

describe('patience with a read', () => {
  it('waits a few times as long as answers take, and sends the read again twice', async () => {
    const { send, waits } = given((sent) => (hasAnswered(sent) ? 200 : null))
    await send('get-customer')

    expect(await send('get-customer')).toBe('target-timeout')

    expect(waits.slice(1)).toEqual([600, 1_200, 2_400])
  })

  it('is answered by the second try when the first one was lost', async () => {
    const { send, waits } = given((sent) => (sent === 1 ? null : 20))
    await send('get-customer')

    expect(await send('get-customer')).toBe(200)
    expect(waits).toHaveLength(3)
  })

  it('reaches the deadline when answers take longer than ever', async () => {
    const { send, waits } = given((sent) => (hasAnswered(sent) ? 20 : 9_000))
    await send('get-customer')

    let result: unknown
    for (let i = 0; i < 5 && result !== 200; i++) result = await send('get-customer')

    expect(result).toBe(200)
    expect(waits.at(-1)).toBe(DEADLINE_MS)
    expect(await send('get-customer')).toBe(200)
    expect(waits.at(-1)).toBe(DEADLINE_MS)
  })
})

describe('patience with a write', () => {
  /** The time of the next answer, in ms, or null if no answer comes. */
  const scripted = (givesUpWrites = true) => {
    const answers: (number | null)[] = []
    const target = given(() => answers.shift() ?? null, givesUpWrites)
    const after = (answer: number | null, operation: Operation, key: string) => {
      answers.splice(0, answers.length, answer)
      return target.send(operation, key)
    }
    /** Reads of three keys are lost, and their repeats are answered at once. */
    const loseReads = async () => {
      await after(20, 'get-customer', 'acme:0')
      for (const key of ['acme:1', 'acme:2', 'acme:3']) {
        answers.splice(0, answers.length, null, 20)
        await target.send('get-customer', key)
      }
      // One of them is listened to.
      await target.advance(2_000)
    }
    return { ...target, after, loseReads }
  }

  it('waits until the deadline, however fast other answers came, and never sends the write again', async () => {
    const { after, waits } = scripted()
    for (let i = 0; i < 20; i++) await after(20, 'patch-customer', `acme:${i}`)

    expect(await after(null, 'patch-customer', 'acme:20')).toBe('target-timeout')

    expect(waits.slice(20)).toEqual([DEADLINE_MS])
  })

  it('waits a few times as long as answers take while the target loses requests', async () => {
    const { after, loseReads, waits } = scripted()
    await loseReads()
    for (let i = 0; i < 20; i++) await after(200, 'patch-customer', `acme:${i}`)

    expect(await after(null, 'patch-customer', 'acme:20')).toBe('given up')

    expect(waits.at(-1)).toBe(600)
  })

  it('waits longer for each further write of the key, up to the deadline, until a write of the key is answered', async () => {
    const { after, loseReads, waits } = scripted()
    const ofKey: unknown[] = []
    const waitsOfKey: unknown[] = []
    for (let i = 0; i < 60 && ofKey.at(-1) !== 'target-timeout'; i++) {
      await loseReads()
      await after(20, 'patch-customer', `acme:other-${i}`)
      ofKey.push(await after(null, 'patch-customer', 'acme:slow'))
      waitsOfKey.push(waits.at(-1))
    }
    await after(20, 'patch-customer', 'acme:slow')
    await after(20, 'patch-customer', 'acme:slow')

    expect(ofKey.slice(0, -1)).toEqual(ofKey.slice(1).map(() => 'given up'))
    expect(waitsOfKey.slice(0, 4)).toEqual([200, 200, expect.closeTo(230), expect.closeTo(264.5)])
    expect(waitsOfKey.at(-1)).toBe(DEADLINE_MS)
    expect(waits.at(-1)).toBe(200)
  })

  it('waits until the deadline after a late answer to a write, also while the target loses requests', async () => {
    const { after, loseReads, waits } = scripted()
    await after(20, 'patch-customer', 'acme:0')
    await after(1_500, 'patch-customer', 'acme:0')
    await loseReads()

    expect(await after(null, 'patch-customer', 'acme:1')).toBe('target-timeout')

    expect(waits.at(-1)).toBe(DEADLINE_MS)
  })

  it('waits until the deadline where writes are not given up', async () => {
    const { after, loseReads } = scripted(false)
    await loseReads()
    await after(20, 'patch-customer', 'acme:0')

    expect(await after(null, 'patch-customer', 'acme:20')).toBe('target-timeout')
  })
})

describe('patience with a write under way', () => {
  const started = () => {
    const time = createManualTime(0)
    const { limit, repeatReads } = createPatience({
      deadlineMs: 8_000,
      now: time.now,
      schedule: time.schedule,
      givesUpWrites: true,
    })
    /** A second try of a read is answered at once. Nothing else is answered. */
    const answer = (request: TargetRequest) => {
      const tookMs = request.repeats?.tries === 2 ? 0 : Number.POSITIVE_INFINITY
      return simulateExchange(
        request,
        { tookMs, error: null },
        { schedule: time.schedule, deadlineMs: 8_000, noAnswer },
      )
    }
    const send = limit(answer)
    const requestOf = (operation: Operation, key: string): TargetRequest => ({
      ...{ target: 'omnium', operation, method: 'GET', baseUrl: '', path: '', call: aCall({ key }) },
    })
    const losing = (...keys: string[]) => {
      for (const key of keys) void repeatReads(send)(requestOf('get-customer', key))
    }
    let givenUpAt: number | null = null
    const write = () =>
      void send(requestOf('patch-customer', 'acme:0')).catch((error: SyncError) => {
        if (error.isGivenUp) givenUpAt = time.now()
      })
    return { time, losing, write, givenUpAt: () => givenUpAt }
  }

  it('is given up once the target is seen to lose requests, but not before its wait is over', async () => {
    const { time, losing, write, givenUpAt } = started()
    losing('acme:1', 'acme:2', 'acme:3')
    // Their first tries are given up after 1 s, and one is listened to for 1.5 s more.
    await time.advance(2_000)
    write()
    await time.advance(2_499)
    expect(givenUpAt()).toBeNull()
    await time.advance(1)
    expect(givenUpAt()).toBe(4_500)
  })

  it('is waited for until the deadline while the target is seen to lose few requests', async () => {
    const { time, losing, write, givenUpAt } = started()
    losing('acme:1', 'acme:2')
    await time.advance(2_000)
    write()
    await time.advance(8_000)
    expect(givenUpAt()).toBeNull()
  })
})

describe('patience with an overloaded target', () => {
  it('gives up few answers early until answers come', async () => {
    let isOverloaded = true
    const { send, waits } = given((sent) => (hasAnswered(sent) || !isOverloaded ? 20 : null))
    await send('get-customer')

    for (let i = 0; i < 20; i++) await send('get-customer', `acme:${i}`)
    expect(waits.slice(-20).every((waitMs) => waitMs === DEADLINE_MS)).toBe(true)
    isOverloaded = false
    for (let i = 0; i < 5; i++) await send('get-customer', `acme:${100 + i}`)

    expect(waits.at(-1)).toBeLessThan(DEADLINE_MS)
  })

  it('gives up a request of that time once answers come', async () => {
    const time = createManualTime(0)
    const { now, schedule } = time
    let isOverloaded = true
    const { repeatReads, limit } = createPatience({ deadlineMs: DEADLINE_MS, now, schedule, givesUpWrites: true })
    const answer = (request: TargetRequest) => {
      const tookMs = isOverloaded && request.call.key !== 'acme:quick' ? Number.POSITIVE_INFINITY : 20
      return simulateExchange(request, { tookMs, error: null }, { schedule, deadlineMs: DEADLINE_MS, noAnswer })
    }
    let answered = 0
    const send = (key: string) => {
      const request = { operation: 'get-customer', method: 'GET', baseUrl: '', path: '', call: aCall({ key }) } as const
      void repeatReads(limit(answer))({ target: 'omnium', ...request }).then(() => answered++)
    }
    for (let i = 0; i < 25; i++) send(`acme:${i}`)
    await time.advance(10)
    send('acme:quick')
    // After 1 s all are sent again. Then no answer may be given up until others come.
    await time.advance(1_200)
    expect(answered).toBe(1)
    isOverloaded = false
    for (let i = 0; i < 30; i++) send('acme:quick')
    await time.advance(2_000)

    expect(answered).toBe(1 + 25 + 30)
  })
})
