import type { SyncOutcome } from '../../contracts/sync-outcome.ts'
import { SyncError } from '../../errors.ts'
import { createOutcomeSink } from '../../kafka/outcome-sink.ts'
import type { RawMessage, Source } from '../../kafka/ports.ts'
import { createRuntime, type Runtime } from '../../kafka/runtime.ts'
import type { RuntimeLimits } from '../../kafka/runtime-options.ts'
import { createLogger } from '../../logger.ts'
import { type Outcome, skipped } from '../../outcome.ts'
import type { Delivery, HandlerContext, StreamHandler } from '../../stream.ts'
import type { Tenants } from '../../tenants.ts'
import type { Brokers } from './brokers.ts'
import type { SimulatedCircuits } from './circuits.ts'
import type { Member } from './member.ts'
import { type Fate, outcomeOfTry, readFate } from './records.ts'
import type { Referee } from './referee.ts'
import type { SimulatedTime } from './time.ts'

export interface ServiceOptions {
  readonly member: Member
  readonly instanceId: string
  readonly topics: StreamHandler['topics']
  readonly brokers: Brokers
  readonly circuits: SimulatedCircuits
  readonly referee: Referee
  readonly time: SimulatedTime
  readonly tenants: Tenants
  readonly limits: RuntimeLimits
  /** The part of the requests that may take as long as their deadline. */
  readonly slowPart: number
  /** What comes of a record's next try, by its origin. */
  readonly tries: Map<string, number>
}

/** Each caller gets a promise of its own. One promise for all callers would keep every world that ever waited for the promise. */
const never = () => new Promise<never>(() => {})
const logger = createLogger({ service: 'test', level: 'silent' })

/** One process: the runtime around a handler that writes to the target, slowly, and that fails as its records tell it to. */
export function createService(options: ServiceOptions): Runtime {
  const { member, brokers, circuits, referee, time, limits } = options

  /** A dead process does nothing and hears of nothing. */
  const alive = async <T>(work: () => Promise<T>): Promise<T> => {
    if (member.isDead) return never()
    try {
      const result = await work()
      return member.isDead ? never() : result
    } catch (error) {
      if (member.isDead) return never()
      throw error
    }
  }

  const write = async (delivery: Delivery, { call }: HandlerContext): Promise<Outcome> => {
    const until = (ms: number) =>
      Promise.race([time.sleep(ms), new Promise((resolve) => call.signal.addEventListener('abort', resolve))])
    await until(time.random() * 100)
    if (call.signal.aborted || member.isDead) throw new SyncError('aborted', 'writing')
    if (circuits.isDown(delivery.tenant.uid)) throw new SyncError('target-failed', 'writing', { outage: true })
    call.fence()
    const sent = referee.sending(member, delivery.traceparent!)
    await until(time.random() * (time.random() < options.slowPart ? limits.requestDeadlineMs : 300))
    sent(call.signal.aborted ? 'in doubt' : 'over')
    referee.sent(delivery.traceparent!, call.signal.aborted)
    if (call.signal.aborted || member.isDead) throw new SyncError('aborted', 'writing', { unknownEnd: true })
    const { tries, always } = delivery.value as unknown as Fate
    const { topic, partition, offset } = delivery.origin
    const origin = `${topic}/${partition}/${offset}`
    const n = options.tries.get(origin) ?? 0
    options.tries.set(origin, n + 1)
    return outcomeOfTry(tries[n] ?? always)
  }

  const handler: StreamHandler = {
    service: 'customer-mapper',
    topics: options.topics,
    classify({ value }) {
      if (value === null) return { end: skipped('deleted') }
      const { isEcho, group, version } = value as unknown as Fate
      return isEcho ? { end: skipped('echo') } : { group, version, targets: ['omnium'] }
    },
    async handle(deliveries, context) {
      if (member.isDead) throw new SyncError('aborted', 'handling')
      const left = referee.handling(
        member,
        deliveries.map(({ traceparent }) => traceparent!),
      )
      try {
        const outcomes: Outcome[] = []
        for (const delivery of deliveries) outcomes.push(await write(delivery, context))
        for (const [index, outcome] of outcomes.entries()) {
          if (outcome.kind === 'retry' && outcome.verify) referee.unknownEnd(deliveries[index]!.traceparent!)
        }
        return outcomes
      } catch (error) {
        const isUnknown = error instanceof SyncError && error.unknownEnd
        if (isUnknown) for (const { traceparent } of deliveries) referee.unknownEnd(traceparent!)
        throw error
      } finally {
        left()
        circuits.done(context.call.tenant.uid, context.call.key)
      }
    },
  }

  const sink = createOutcomeSink({
    logger,
    publisher: {
      publish: (_topic, messages) =>
        alive(() =>
          brokers.request('produce', () => {
            if (member.isDead) return
            for (const { value } of messages) referee.acknowledged(value as unknown as SyncOutcome)
          }),
        ),
    },
  })
  let flushedIn = Number.NaN
  const source: Source = {
    ...member,
    commit(offsets) {
      if (flushedIn === time.turn) referee.committingAcknowledged(member, offsets)
      return member.commit(offsets)
    },
  }

  return createRuntime({
    service: 'customer-mapper',
    handler,
    prefix: '',
    instanceId: options.instanceId,
    source,
    decode: (_topic, bytes) =>
      alive(async () => {
        const fault = brokers.faults.decode.shift()
        if (fault !== undefined) throw new SyncError('registry-unavailable', 'decoding')
        return readFate(bytes)
      }),
    send: (messages: readonly RawMessage[], fence) =>
      alive(async () => {
        await time.sleep(time.random() * 20)
        fence?.()
        if (!member.isDead) referee.producing(member, messages)
        await brokers.request('produce', () => {
          if (!member.isDead) for (const message of messages) referee.produced(message)
        })
      }),
    tenants: () => options.tenants,
    circuits,
    outcomes: {
      add: (outcome) => {
        if (member.isDead) return
        referee.ended(outcome)
        sink.add(outcome)
      },
      async flush() {
        await sink.flush()
        flushedIn = time.turn
      },
      get size() {
        return sink.size
      },
    },
    maxAttempts: 3,
    metrics: { ended() {}, retried() {}, parked() {}, notRemoved() {}, logShortened() {}, endToEnd() {} },
    observeHandling() {},
    logger,
    now: time.now,
    wallNow: time.now,
    random: time.random,
    onFatal: (error) => referee.ledger.accuse(`gave up: ${error.message}`),
    limits,
  })
}
