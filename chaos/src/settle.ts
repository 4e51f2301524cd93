import { setTimeout as delay } from 'node:timers/promises'
import { untilAtRest } from '@sync/sandbox/demo/rest'
import type { Operator } from './operator.ts'
import type { Performed } from './perform.ts'
import { type Recreation, repairRecreated } from './recreate-topic.ts'
import type { System } from './system.ts'
import { untilSame } from './until-same.ts'

const POLL_MS = 300
/** After the end of the time, for whatever hears of it to say what it lacks. */
const GIVE_UP_MS = 3_000
const READY_WITHIN_MS = 120_000

/** What each sweep of a tenant asks first, by target. */
const SWEEPS = {
  flow: [/\/tenants\/[^/]+\/customers$/],
  omnium: [/\/PrivateCustomers\/Search$/, /\/BusinessCustomers\/Search$/, /\/Orders\/Search$/],
} as const

/** The effects of the workload and of the faults. */
export interface Happened {
  readonly performed: Performed
  readonly recreations: readonly Recreation[]
}

/**
 * Faults are over: resolves once all is handled, the losses of a recreated topic were repaired, every tenant was swept since, what had
 * been parked of customers that are no poison any more was redriven and handled too, and so was each of the `closing` rounds. Throws,
 * saying what lacks, when the signal aborts.
 */
export async function untilSettled(
  system: System,
  { performed, recreations }: Happened,
  operator: Operator,
  closing: readonly (() => Promise<unknown>)[],
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { fleet } = system
  await fleet.untilReady(READY_WITHIN_MS)
  log('every instance is ready')
  await within('the edits and the operator’s work', signal, performed.finished(signal))
  // A company may be what a relation waits for, longer than we wait for that.
  await operator.redrive(performed.cured)
  await untilHandled(system, signal)
  if (recreations.length > 0) {
    log('all is handled; an operator repairs what the recreated topic lost')
    await within('the backfill', signal, repairRecreated(system, recreations))
    await untilHandled(system, signal)
  }
  log('all is handled; waiting for sweeps')
  await untilSwept(system, signal)
  await operator.redrive(performed.cured)
  await untilHandled(system, signal)
  for (const round of closing) {
    await round()
    await untilHandled(system, signal)
  }
  await untilSwept(system, signal)
  const { replayed, redriven } = operator.counts
  log(`${replayed} records were replayed, and ${redriven} dead letters redriven`)
}

/** All webhooks are at their end, and all records, and nothing came of the last of these. As `untilSettled` when it aborts. */
export async function untilHandled({ flow, omnium, admin, prefix }: System, signal: AbortSignal): Promise<void> {
  const total = (of: 'pending' | 'sent') => flow.webhooks.counts()[of] + omnium.webhooks.counts()[of]
  // What the last records lead to at the targets may be sent back to us.
  await untilSame(
    () => total('sent'),
    async () => {
      await until('webhooks at their end', signal, () => total('pending') === 0)
      await within('records', signal, untilAtRest(admin, prefix, signal))
    },
  )
}

/** Every tenant was swept, what that found is handled, and it wrote nothing that the next sweep would find. */
async function untilSwept(system: System, signal: AbortSignal): Promise<void> {
  const { flow, omnium } = system
  await untilSame(
    () => flow.journal.writes().length + omnium.journal.writes().length,
    async () => {
      // What the last one found is on its topic when the next one begins.
      for (const which of ['a', 'another']) {
        const since = Date.now()
        await until(`${which} sweep of every tenant`, signal, () => isSwept(system, since))
      }
      await untilHandled(system, signal)
    },
  )
}

function isSwept({ flow, omnium }: System, since: number): boolean {
  return [['flow', flow] as const, ['omnium', omnium] as const].every(([target, api]) => {
    const recent = api.journal.entries({ kind: 'request' }).filter(({ at }) => at > since)
    const isAsked = (tenant: string, path: RegExp) =>
      recent.some((it) => it.kind === 'request' && it.tenant === tenant && it.status === 200 && path.test(it.path))
    return [...api.tenants.keys()].every((tenant) => SWEEPS[target].every((path) => isAsked(tenant, path)))
  })
}

async function until(what: string, signal: AbortSignal, holds: () => boolean): Promise<void> {
  while (!holds()) {
    if (signal.aborted) throw new Error(`not settled in time: no ${what}`)
    await delay(POLL_MS)
  }
}

/** What does not hear the signal must not hold up the table. */
async function within<V>(what: string, signal: AbortSignal, work: Promise<V>): Promise<V> {
  const late = Promise.withResolvers<never>()
  const giveUp = () => setTimeout(() => late.reject(new Error(`not settled in time: ${what}`)), GIVE_UP_MS).unref()
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    return await Promise.race([work, late.promise])
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
