import { columns, duration, type Paint } from '../screen.ts'
import type { Difference } from './compare.ts'
import { percentile } from './percentile.ts'
import type { StepResult } from './play.ts'

export interface Finding {
  readonly results: readonly StepResult[]
  readonly differences: readonly Difference[]
  readonly comparedFields: number
  /** From the change at the till to its effect in Omnium, at rest. */
  readonly latenciesMs: readonly number[]
  /** What became of services that should have gone on, and requests that a peer does not document. */
  readonly troubles: readonly string[]
  /** What services logged last as an error; told only when something is not as expected. */
  readonly errors: readonly string[]
  readonly tookMs: number
}

const TITLE_WIDTH = 72
const MOST_DIFFERENCES = 40

export const isAsExpected = ({ results, differences, troubles }: Finding): boolean =>
  results.every(({ failure }) => failure === null) && differences.length === 0 && troubles.length === 0

/** The day as a table, and what is not as it should be. */
export function summary(finding: Finding, paint: Paint): string[] {
  const { results, differences, comparedFields, latenciesMs, troubles, errors, tookMs } = finding
  const rows = results.map(({ at, title, failure, latenciesMs }) => [
    at,
    cut(title, TITLE_WIDTH),
    failure === null ? 'ok' : 'FAILED',
    failure === null && latenciesMs.length > 0 ? duration(Math.max(...latenciesMs)) : '',
  ])
  const [head = '', ...lines] = columns([['', 'Step', 'Result', 'Latency'], ...rows], new Set([3]))
  const isOk = isAsExpected(finding)
  const compared =
    differences.length === 0 ? paint('green', 'all as expected') : paint('red', `${differences.length} differ`)
  return [
    paint('bold', head),
    ...lines.map((line) => line.replace(/ (FAILED)$/, ` ${paint('red', 'FAILED')}`)),
    '',
    `${comparedFields} fields of both stand-ins and their topics: ${compared}`,
    ...latencyLine(latenciesMs),
    ...troubles.map((trouble) => paint('red', trouble)),
    ...(isOk ? [] : errors),
    ...differenceLines(differences, paint),
    '',
    isOk
      ? paint('green', `As it should be, in ${duration(tookMs)}.`)
      : paint('red', `Not as it should be, after ${duration(tookMs)}.`),
  ]
}

function latencyLine(latenciesMs: readonly number[]): string[] {
  if (latenciesMs.length === 0) return []
  const [p50, p99] = [percentile(latenciesMs, 0.5), percentile(latenciesMs, 0.99)]
  return [`Till → Omnium at rest, ${latenciesMs.length} edits: p50 ${duration(p50)}, p99 ${duration(p99)}`]
}

function differenceLines(differences: readonly Difference[], paint: Paint): string[] {
  const shown = differences.slice(0, MOST_DIFFERENCES)
  const rest = differences.length - shown.length
  return [
    ...shown.flatMap(({ where, expected, actual }) => [
      paint('red', where),
      `  expected ${expected}`,
      `  found    ${actual}`,
    ]),
    ...(rest > 0 ? [`and ${rest} more`] : []),
  ]
}

const cut = (text: string, width: number) => (text.length > width ? `${text.slice(0, width - 1)}…` : text)
