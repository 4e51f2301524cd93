import { setTimeout as delay } from 'node:timers/promises'
import { type SyncCursor, TARGET_STATE } from './contracts/sweep-cursor.ts'
import type { CircuitStatus } from './http/circuits.ts'
import type { Usage } from './http/target-usage.ts'
import { keyOf, type Message, type Publisher } from './kafka/publisher.ts'
import type { Part } from './lifecycle.ts'

export interface TargetStatesOptions {
  readonly service: string
  readonly instance: string
  readonly circuits: () => readonly CircuitStatus[]
  readonly usage: () => readonly Usage[]
  readonly publisher: Pick<Publisher, 'publish'>
  /** ms since the epoch. */
  readonly now: () => number
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<unknown>
}

const EVERY_MS = 15_000
/** An unchanged state is told again so often, with the requests since. */
const REPEAT_MS = 10 * 60_000

type TargetState = SyncCursor & { readonly entity: typeof TARGET_STATE }

/**
 * Tells by `sync.cursors.v1` how the targets of each tenant look from this process: the circuit, and the requests of the last
 * hour. `syncctl doctor` reads that, because it cannot reach the admin port of each process. A change is told within 15 s. A
 * produce that fails is left out, because the next one says the same.
 */
export function createTargetStates(options: TargetStatesOptions): Part {
  const { publisher, now } = options
  const wait = options.wait ?? ((ms, signal) => delay(ms, undefined, { signal }))
  const stopping = new AbortController()
  const told = new Map<string, { readonly mark: string; readonly throttled: number; readonly atMs: number }>()
  let loop: Promise<void> = Promise.resolve()

  const tell = async () => {
    const messages: Message<'sync.cursors.v1'>[] = []
    for (const state of statesOf(options)) {
      const { mark, throttled = 0, tenant, source } = state
      const name = keyOf(tenant, source)
      const last = told.get(name)
      const isNews = last === undefined || last.mark !== mark || last.throttled !== throttled
      if (!isNews && now() - last.atMs < REPEAT_MS) continue
      told.set(name, { mark, throttled, atMs: now() })
      messages.push({
        key: keyOf(tenant, `${source}:${TARGET_STATE}:${options.service}/${options.instance}`),
        value: state,
      })
    }
    if (messages.length > 0) await publisher.publish('sync.cursors.v1', messages).catch(() => told.clear())
  }
  const run = async () => {
    while (!stopping.signal.aborted) {
      await tell()
      await wait(EVERY_MS, stopping.signal).catch(() => {})
    }
  }
  return {
    name: 'target states',
    async start() {
      loop = run()
    },
    async stop() {
      stopping.abort()
      await loop
    },
  }
}

/** One state for each tenant and target that was asked in the last hour, or whose circuit is not closed. Pure. */
export function statesOf({ service, instance, circuits, usage, now }: TargetStatesOptions): TargetState[] {
  const used = new Map(usage().map((each) => [`${each.target}/${each.tenant}`, each]))
  const sweptAt = new Date(now()).toISOString()
  const states: TargetState[] = []
  for (const { tenant, target, state, cause } of circuits()) {
    const { requests = 0, throttled = 0 } = used.get(`${target}/${tenant}`) ?? {}
    if (state === 'closed' && requests === 0) continue
    states.push({
      ...{ tenant, source: target, entity: TARGET_STATE, mark: state, sweptAt },
      ...{ process: `${service}/${instance}`, requests, throttled },
      ...(cause !== null && { cause }),
    })
  }
  return states
}
