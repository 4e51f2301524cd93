import type { ServiceName, TopicName } from '@sync/shared/kafka/topics'
import type { FlowRow } from '../flow-customers.ts'
import type { Journal, JournalEntry, WriteEntry } from '../journal.ts'
import type { OmniumKind, OmniumRow } from '../omnium-customers.ts'
import type { Screen } from './screen.ts'
import { type System, TENANT } from './system.ts'
import type { LoggedRecord } from './topic-log.ts'

/** Something that a change has to lead to. */
export interface Effect {
  readonly says: string
  /** The change, ms since the epoch. */
  readonly since: number
  /** When it took effect; rejects when the step's time is over. */
  readonly at: Promise<number>
}

/** What a step acts with. Effects are watched before anything is awaited, so that none is missed. */
export interface Stage extends System {
  readonly screen: Screen
  readonly signal: AbortSignal
  /** Does something in a stand-in; answers when its first write took effect there, ms since the epoch. */
  atTill(act: () => unknown): number
  inWebShop(act: () => unknown): number
  /** The next write of this customer in Omnium after which the record is so. */
  inOmnium(kind: OmniumKind, id: string, holds?: (row: OmniumRow) => boolean): Promise<number>
  inFlow(id: string, holds?: (row: FlowRow) => boolean): Promise<number>
  onTopic(topic: TopicName, matches: (record: LoggedRecord) => boolean): Promise<LoggedRecord>
  /** Waits for all of them and tells each. Throws an `UnseenEffect` when one is missing. */
  see(...effects: Effect[]): Promise<void>
  show(lines: readonly string[]): void
}

export interface Step {
  /** The shop's clock. */
  readonly at: string
  readonly title: string
  /** The services without which it can't come true. */
  readonly needs: readonly ServiceName[]
  run(stage: Stage): Promise<void>
}

export interface StepResult {
  readonly at: string
  readonly title: string
  /** null: all that it should lead to was seen. */
  readonly failure: string | null
  /** Of each effect, ms. */
  readonly latenciesMs: readonly number[]
}

const STEP_MS = 30_000
/** Once something is known to be broken there is no point in waiting long. */
const DOUBTFUL_STEP_MS = 5_000
const HOPELESS_STEP_MS = 1_500

class UnseenEffect extends Error {}

/** Plays a step within its time and tells how it went; never throws. */
export async function play(
  step: Step,
  system: System,
  screen: Screen,
  { isDoubtful, interrupted }: { isDoubtful: boolean; interrupted: AbortSignal },
): Promise<StepResult> {
  const latenciesMs: number[] = []
  const time = new AbortController()
  const troubles = () => step.needs.flatMap((service) => troubleOf(system, service))
  const over = (ms: number) => () => time.abort(new Error(`not within ${ms / 1000} s`))
  const limitMs = troubles().length > 0 ? HOPELESS_STEP_MS : isDoubtful ? DOUBTFUL_STEP_MS : STEP_MS
  const deadlines = [setTimeout(over(limitMs), limitMs)]
  system.services.onTrouble((service) => {
    if (step.needs.includes(service)) deadlines.push(setTimeout(over(HOPELESS_STEP_MS), HOPELESS_STEP_MS))
  })
  const startedAt = { flow: system.flow.journal.lastSeq(), omnium: system.omnium.journal.lastSeq() }

  screen.scene(step.at, step.title)
  try {
    const signal = AbortSignal.any([time.signal, interrupted])
    await step.run(stageFor(system, screen, signal, (ms) => latenciesMs.push(ms)))
    return { at: step.at, title: step.title, failure: null, latenciesMs }
  } catch (error) {
    const says = error instanceof UnseenEffect ? error.message : 'it broke off'
    const what =
      error instanceof UnseenEffect ? (error.cause as Error).message : String((error as Error).stack ?? error)
    const why = [what, ...troubles(), ...hints(system, startedAt)].join('; ')
    if (!interrupted.aborted) screen.failure(says, why)
    return { at: step.at, title: step.title, failure: `${says}: ${why}`, latenciesMs }
  } finally {
    for (const deadline of deadlines) clearTimeout(deadline)
  }
}

const troubleOf = ({ services }: System, service: ServiceName): string[] => {
  const why = services.troubleOf(service)
  return why === undefined ? [] : [`${service}: ${why}`]
}

/** What may be the reason that nothing was seen: webhooks that nobody took, records that were parked. */
function hints({ flow, omnium, log }: System, after: { flow: number; omnium: number }): string[] {
  const found = new Set<string>()
  const look = (name: string, entries: readonly JournalEntry[]) => {
    for (const entry of entries) {
      if (entry.kind !== 'delivery' || entry.end === 'delivered') continue
      found.add(`a webhook of ${name} about ${entry.objectId} was answered with ${entry.status ?? 'nothing'}`)
    }
  }
  look('Flow', flow.journal.entries({ kind: 'delivery', after: after.flow }))
  look('Omnium', omnium.journal.entries({ kind: 'delivery', after: after.omnium }))
  for (const topic of ['customer-mapper', 'relation-manager', 'flow-ingest', 'omnium-ingest'] as const) {
    for (const { key, headers } of log.records(`${topic}.dead-letters.v1`)) {
      found.add(`${topic} parked a record of ${key}: ${headers['dl-reason']}`)
    }
  }
  return [...found].slice(-3)
}

function stageFor(system: System, screen: Screen, signal: AbortSignal, tell: (latencyMs: number) => void): Stage {
  const { flow, omnium, log } = system
  /** Of a condition on the row as it is now: only for writes that are still to come. */
  const nextWrite = (journal: Journal, matches: (entry: WriteEntry) => boolean) => {
    const after = journal.lastSeq()
    const next = journal.next((entry) => entry.kind === 'write' && entry.seq > after && matches(entry), signal)
    return watched(next.then(({ at }) => at))
  }
  return {
    ...system,
    screen,
    signal,
    atTill: (act) => doneAt(flow.journal, act),
    inWebShop: (act) => doneAt(omnium.journal, act),
    inOmnium(kind, id, holds = () => true) {
      const resource = kind === 'B2C' ? 'PrivateCustomer' : 'BusinessCustomer'
      return nextWrite(omnium.journal, (write) => {
        const row = omnium.customer(TENANT, kind, id)
        return write.id === id && write.resource === resource && row !== undefined && holds(row)
      })
    },
    inFlow: (id, holds = () => true) =>
      nextWrite(flow.journal, (write) => {
        const row = flow.customer(TENANT, id)
        return write.id === id && write.resource === 'customer' && row !== undefined && holds(row)
      }),
    onTopic: (topic, matches) => watched(log.next((record) => record.topic === topic && matches(record), signal)),
    async see(...effects) {
      const seen = await Promise.allSettled(effects.map(({ at }) => at))
      const unseen: string[] = []
      let cause: unknown
      for (const [i, result] of seen.entries()) {
        const { says, since } = effects[i]!
        if (result.status === 'fulfilled') {
          screen.effect(says, result.value - since)
          tell(result.value - since)
        } else {
          unseen.push(says)
          cause ??= result.reason
        }
      }
      if (unseen.length > 0) throw new UnseenEffect(unseen.join('; '), { cause })
    },
    show: (lines) => screen.detail(lines.join('\n')),
  }
}

/** A step that breaks off leaves behind what it watched; that it then rejects is no news. */
function watched<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}

function doneAt(journal: Journal, act: () => unknown): number {
  const after = journal.lastSeq()
  act()
  return journal.writes({ after })[0]!.at
}
