import { SyncError } from '../../errors.ts'
import { outcomeOf } from '../../failure-outcome.ts'
import { type Circuits, createCircuits } from '../../http/circuits.ts'
import { createPatience } from '../../http/patience.ts'
import { OPERATIONS, type TargetRequest } from '../../http/request.ts'
import { afterBrownout, brownoutWaitMs, noBrownout } from '../../kafka/brownout.ts'
import { aCall, aTenant } from '../builders.ts'
import { createManualTime, type ManualTime } from '../manual-time.ts'
import { simulateExchange } from '../simulated-exchange.ts'

/**
 * How a request that fails at random ends. A `lost` request is executed, and then the connection is closed in place of the reply. A
 * `timeout` never gets an answer.
 */
export type Failure = 'status-500' | 'broken' | 'timeout' | 'lost'

export interface BrownoutOptions {
  readonly seed: number
  readonly keys: number
  /** How a request fails that is sent at `atMs`, or null if the request succeeds. */
  readonly ends: (random: () => number, atMs: number, key: string, isWrite: boolean) => Failure | null
  readonly deadlineMs?: number
  readonly maxAttempts?: number
  /** Default: 80. */
  readonly requestsPerSecond?: number
}

export interface BrownoutRun {
  readonly circuits: Circuits
  readonly time: ManualTime
  readonly requests: readonly { readonly key: string; readonly atMs: number }[]
  readonly parked: ReadonlySet<string>
  readonly done: ReadonlyMap<string, number>
  /** Runs until all keys have ended or `atMost` ms have passed. Resolves with the ms that passed. */
  finish(atMost?: number): Promise<number>
}

/** Of requests to the target. */
const SLOTS = 14
const LATENCY_MS = 20

/** Sends a backlog of keys through the circuits of one target. Each key reads twice and writes, within the slots of the target. */
export function simulateBrownout(options: BrownoutOptions): BrownoutRun {
  const { seed, keys, ends, deadlineMs = 5_000, maxAttempts = 8, requestsPerSecond = 80 } = options
  const time = createManualTime(0)
  const random = randomOf(seed)
  const tenant = aTenant()
  const requests: { key: string; atMs: number }[] = []
  const patience = createPatience({ deadlineMs, now: time.now, schedule: time.schedule, givesUpWrites: true })
  const answer = (request: TargetRequest) => {
    const { call, operation } = request
    requests.push({ key: call.key, atMs: time.now() })
    const isWrite = OPERATIONS[operation].writes
    const failure = ends(random, time.now(), call.key, isWrite)
    const tookMs = failure === 'timeout' ? Number.POSITIVE_INFINITY : LATENCY_MS * (0.5 + random())
    const error = failure === null || failure === 'timeout' ? null : errorOf(failure, isWrite)
    const noAnswer = () => errorOf('timeout', isWrite)
    return simulateExchange(request, { tookMs, error }, { schedule: time.schedule, deadlineMs, noAnswer })
  }
  let freeAt = 0
  /** The rate limit. */
  const inTurn = async (request: TargetRequest) => {
    freeAt = Math.max(time.now(), freeAt + 1_000 / requestsPerSecond)
    await new Promise<void>((resolve) => time.schedule(resolve, freeAt - time.now()))
    return patience.limit(answer)(request)
  }
  const send = patience.repeatReads(inTurn)
  const exchange = async (key: string, isWrite: boolean): Promise<void> => {
    const operation = isWrite ? 'update-customer' : 'get-customer'
    const call = aCall({ tenant, key })
    await send({ target: 'omnium', operation, method: 'GET', baseUrl: '', path: '', call })
  }
  const circuits = createCircuits({
    probe: () => exchange('sync-probe', false),
    now: time.now,
    random,
    schedule: time.schedule,
  })
  const parked = new Set<string>()
  const done = new Map<string, number>()
  const ready: string[] = []
  const waiting = new Map<string, () => void>()
  const states = new Map<string, { attempts: number; brownout: ReturnType<typeof noBrownout> }>()
  let inFlight = 0

  const pump = () => {
    while (inFlight < SLOTS && ready.length > 0) void run(ready.shift()!)
  }
  const again = (key: string, ms: number, isWoken: boolean) => {
    const go = () => {
      cancel()
      waiting.delete(key)
      ready.push(key)
      pump()
    }
    const cancel = time.schedule(go, Math.max(1, ms))
    if (isWoken) waiting.set(key, go)
  }
  const run = async (key: string): Promise<void> => {
    const admission = circuits.admit(tenant.uid, 'omnium', key)
    if (!admission.admitted) return again(key, admission.retryAtMs - time.now() + random() * 200, true)
    inFlight++
    const call = aCall({ tenant, key })
    const of = states.get(key) ?? { attempts: 0, brownout: noBrownout() }
    states.set(key, of)
    try {
      await circuits.guard(call, 'omnium', false, () => exchange(key, false))
      await circuits.guard(call, 'omnium', false, () => exchange(key, false))
      await circuits.guard(call, 'omnium', true, () => exchange(key, true))
      done.set(key, time.now())
    } catch (error) {
      const outcome = outcomeOf(error)
      if (outcome?.kind !== 'retry') throw error
      const { reason, afterMs } = outcome
      of.brownout = afterBrownout(of.brownout, reason === 'brownout', time.now())
      if (reason === 'target-failed' || of.brownout.isOver) of.attempts++
      const counted = Math.min(15_000, 500 * 2 ** (of.attempts - 1)) * random()
      const uncounted = reason === 'brownout' ? brownoutWaitMs(of.brownout, random) : 500 + random() * 1_000
      if (of.attempts >= maxAttempts) parked.add(key)
      else again(key, afterMs ?? (reason === 'target-failed' ? counted : uncounted), reason === 'circuit-open')
    } finally {
      inFlight--
      pump()
    }
  }
  circuits.onChange((_tenant, _target, phase) => {
    if (phase !== 'open') for (const go of [...waiting.values()].slice(0, phase === 'half-open' ? 20 : undefined)) go()
  })
  for (let i = 0; i < keys; i++) ready.push(`key${i}`)
  pump()
  return {
    ...{ circuits, time, requests, parked, done },
    async finish(atMost = 600_000) {
      while (done.size + parked.size < keys && time.now() < atMost) await time.advance(10)
      return time.now()
    },
  }
}

const errorOf = (failure: Failure, isWrite: boolean): SyncError => {
  const unknownEnd = isWrite && failure !== 'status-500'
  switch (failure) {
    case 'status-500':
      return new SyncError('target-failed', 'asking: 500', { status: 500 })
    case 'broken':
    case 'lost':
      return new SyncError('target-reset', 'asking: reset', { unknownEnd })
    case 'timeout':
      return new SyncError('target-timeout', 'asking: no answer', { unknownEnd })
  }
}

/** Mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
