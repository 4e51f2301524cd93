import type { ServiceName, TopicName } from '@sync/shared/kafka/topics'
import type { FlowRow } from '../flow-customers.ts'
import type { Journal, WriteEntry } from '../journal.ts'
import type { OmniumKind, OmniumRow } from '../omnium-customers.ts'
import type { Screen } from '../screen.ts'
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
  /** Waits for all of them and tells each. Throws an `UnseenEffect` for those that don't come. */
  see(...effects: Effect[]): Promise<void>
  /** Waits for what is no effect by itself: told only when it rejects, and thrown as an `UnseenEffect`. */
  expect<T>(says: string, promise: Promise<T>): Promise<T>
  /** A latency for the summary, besides those of the effects seen. */
  tell(latencyMs: number): void
  show(lines: readonly string[]): void
}

export interface Step {
  /** The shop's clock. */
  readonly at: string
  readonly title: string
  /** The services without which it can't come true. */
  readonly needs: readonly ServiceName[]
  /** How long it may take as a whole; 30 s unless told. */
  readonly withinMs?: number
  run(stage: Stage): Promise<void>
}

/** `message` says what has not been seen, `cause` why it is not waited for any longer. */
export class UnseenEffect extends Error {}

/** What a step gets; what it does and sees there ends with the signal. */
export function stageFor(
  system: System,
  screen: Screen,
  signal: AbortSignal,
  tell: (latencyMs: number) => void,
): Stage {
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
          screen.failure(says)
          unseen.push(says)
          cause ??= result.reason
        }
      }
      if (unseen.length > 0) throw new UnseenEffect(unseen.join('; '), { cause })
    },
    async expect(says, promise) {
      try {
        return await promise
      } catch (cause) {
        screen.failure(says)
        throw new UnseenEffect(says, { cause })
      }
    },
    tell,
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
