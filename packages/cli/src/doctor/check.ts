import { SyncError } from '@sync/shared/errors'
import { unlessAborted } from '@sync/shared/unless-aborted'
import type { DoctorContext } from './context.ts'
import type { Explanation } from './explain.ts'
import { broken, type Finding } from './finding.ts'

/** One check gives one line or several. */
export interface Check {
  /** The names of the lines, in their order, whatever the check finds. */
  readonly names: readonly string[]
  /** `context` ends with the time of the check. */
  run(context: DoctorContext): Promise<readonly Finding[]>
  /** Why the check was not made, for each of its lines. Throws what is no expected failure. */
  explain(error: unknown): Explanation
}

/** Checks that share a time. */
export interface Group {
  /** Of all checks together. */
  readonly withinMs: number
  /** The time of each check. A check that hangs leaves time for the other checks. */
  readonly eachMs: number
  /** At the same time, or one after the other because they share the limits of a tenant. */
  readonly order: 'parallel' | 'sequential'
  /** The step to take if there is no answer in time. */
  readonly advice: string
  readonly checks: readonly Check[]
}

export interface GroupEnd {
  /** In the order of the checks. */
  readonly findings: readonly Finding[]
  /** At least one check got no answer in the time of the group. */
  readonly isOver: boolean
}

/** Runs the checks of a group and tells each line as soon as there is one. Throws if a person interrupts the command. */
export async function runGroup(
  { withinMs, eachMs, order, advice, checks }: Group,
  context: DoctorContext,
  onLine: (finding: Finding) => void,
): Promise<GroupEnd> {
  const over = AbortSignal.timeout(withinMs)
  let isOver = false
  const runOne = async (check: Check): Promise<readonly Finding[]> => {
    const startedAt = performance.now()
    const findings = await findingsOf(check, context, AbortSignal.any([over, AbortSignal.timeout(eachMs)]))
    context.cluster.signal.throwIfAborted()
    isOver ||= over.aborted
    const waitedMs = performance.now() - startedAt
    const found = findings ?? noAnswer(check, waitedMs < eachMs - SHORT_MS ? withinMs : eachMs, advice)
    for (const finding of found) onLine(finding)
    return found
  }
  if (order === 'parallel') return { findings: (await Promise.all(checks.map(runOne))).flat(), isOver }
  const findings: Finding[] = []
  for (const check of checks) findings.push(...(await runOne(check)))
  return { findings, isOver }
}

/** A timer may end a little early. */
const SHORT_MS = 20

/** null: the time was over before there was an answer. */
async function findingsOf(check: Check, context: DoctorContext, time: AbortSignal): Promise<readonly Finding[] | null> {
  const { cluster, call } = context
  const signal = AbortSignal.any([cluster.signal, time])
  if (signal.aborted) return null
  try {
    const limited = { ...context, cluster: { ...cluster, signal }, call: { ...call, signal } }
    return await unlessAborted(check.run(limited), signal)
  } catch (error) {
    if (signal.aborted || (error instanceof SyncError && error.code === 'aborted')) return null
    const { found, advice } = check.explain(error)
    return check.names.map((name) => broken(name, found, advice))
  }
}

const noAnswer = ({ names }: Check, withinMs: number, advice: string): readonly Finding[] =>
  names.map((name) => broken(name, `no answer within ${withinMs / 1_000} s`, advice))
