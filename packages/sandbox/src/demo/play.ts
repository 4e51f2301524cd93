import { deadLetterTopicOf, SERVICES, type ServiceName } from '@sync/shared/kafka/topics'
import type { Journal } from '../journal.ts'
import type { Screen } from '../screen.ts'
import { type Step, stageFor, UnseenEffect } from './stage.ts'
import type { System } from './system.ts'

export interface StepResult {
  readonly at: string
  readonly title: string
  /** null: all that it should lead to was seen. */
  readonly failure: string | null
  /** Of each effect, ms. */
  readonly latenciesMs: readonly number[]
}

const STEP_MS = 30_000
/** Once something has failed, there is less point in waiting; without a service that a step needs, none. */
const DOUBTFUL_SHARE = 1 / 6
const HOPELESS_STEP_MS = 1_500

/** Plays the steps one after the other, whatever comes of each. Throws only when interrupted. */
export async function playAll(
  steps: readonly Step[],
  system: System,
  screen: Screen,
  interrupted: AbortSignal,
): Promise<StepResult[]> {
  const results: StepResult[] = []
  for (const step of steps) {
    const isDoubtful = results.some(({ failure }) => failure !== null)
    results.push(await play(step, system, screen, { isDoubtful, interrupted }))
    interrupted.throwIfAborted()
  }
  return results
}

interface Circumstances {
  readonly isDoubtful: boolean
  readonly interrupted: AbortSignal
}

/** Plays a step within its time and tells how it went; never throws. */
async function play(
  { at, title, needs, withinMs = STEP_MS, run }: Step,
  system: System,
  screen: Screen,
  { isDoubtful, interrupted }: Circumstances,
): Promise<StepResult> {
  // What is cut short by Ctrl-C has not failed.
  const failure: Screen['failure'] = (says, why) => {
    if (!interrupted.aborted) screen.failure(says, why)
  }
  const latenciesMs: number[] = []
  const begun = begin(system)
  const time = new AbortController()
  const deadlines: NodeJS.Timeout[] = []
  const within = (ms: number) => {
    deadlines.push(setTimeout(() => time.abort(new Error(`not within ${ms / 1000} s`)), ms))
  }

  screen.scene(at, title)
  within(isDoubtful ? withinMs * DOUBTFUL_SHARE : withinMs)
  const forget = system.services.onTrouble((service) => {
    if (needs.includes(service)) within(HOPELESS_STEP_MS)
  })
  try {
    const signal = AbortSignal.any([time.signal, interrupted])
    await run(stageFor(system, { ...screen, failure }, signal, (ms) => latenciesMs.push(ms)))
    return { at, title, failure: null, latenciesMs }
  } catch (error) {
    const { message, cause } = error as Error
    const isUnseen = error instanceof UnseenEffect
    const because = [isUnseen ? (cause as Error).message : message, ...troubles(needs, system), ...hints(begun, system)]
    const why = because.join('; ')
    failure(isUnseen ? null : 'it broke off', why)
    return { at, title, failure: `${isUnseen ? message : 'it broke off'}: ${why}`, latenciesMs }
  } finally {
    forget()
    for (const deadline of deadlines) clearTimeout(deadline)
  }
}

const troubles = (needs: readonly ServiceName[], { services }: System): string[] =>
  needs.flatMap((service) => {
    const why = services.troubleOf(service)
    return why === undefined ? [] : [`${service}: ${why}`]
  })

/** Where the journals and topics stood. */
const begin = ({ flow, omnium, log }: System) => ({
  flow: flow.journal.lastSeq(),
  omnium: omnium.journal.lastSeq(),
  deadLetters: new Set(deadLettersIn(log)),
})

const deadLettersIn = (log: System['log']) => SERVICES.flatMap((service) => log.records(deadLetterTopicOf(service)))

const MOST_HINTS = 3

/** What may be the reason that nothing was seen: webhooks that nobody took, records that were parked meanwhile. */
function hints(begun: ReturnType<typeof begin>, { flow, omnium, log }: System): string[] {
  const undelivered = (name: string, journal: Journal, after: number) =>
    journal.entries({ kind: 'delivery', after }).flatMap((entry) => {
      if (entry.kind !== 'delivery' || entry.end === 'delivered') return []
      return [`${name}'s webhook about ${entry.objectId} got ${entry.status ?? 'no answer'}`]
    })
  const parked = deadLettersIn(log).filter((letter) => !begun.deadLetters.has(letter))
  const found = new Set([
    ...undelivered('Flow', flow.journal, begun.flow),
    ...undelivered('Omnium', omnium.journal, begun.omnium),
    ...parked.map(({ topic, key, headers }) => `${key} is on ${topic}: ${headers['dl-reason']}`),
  ])
  return [...found].slice(0, MOST_HINTS)
}
