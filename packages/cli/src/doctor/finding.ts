import { EXIT, type ExitCode } from '../exit.ts'

/** `look`: somebody should look at it. `broken`: it does not work, or will not work. */
export type Verdict = 'ok' | 'look' | 'broken'

/** One line of the doctor's output. */
export interface Finding {
  readonly check: string
  readonly verdict: Verdict
  /** What was found, without personal data and secrets. */
  readonly found: string
  /** The step to take, or a recommendation. null if there is neither. */
  readonly advice: string | null
}

export const ok = (check: string, found: string, advice: string | null = null): Finding => ({
  check,
  verdict: 'ok',
  found,
  advice,
})
export const look = (check: string, found: string, advice: string): Finding => ({
  check,
  verdict: 'look',
  found,
  advice,
})
export const broken = (check: string, found: string, advice: string): Finding => ({
  check,
  verdict: 'broken',
  found,
  advice,
})

const CODE: Readonly<Record<Verdict, ExitCode>> = { ok: EXIT.ok, look: EXIT.differences, broken: EXIT.error }
const RANK: readonly Verdict[] = ['ok', 'look', 'broken']

/** 0, 2 or 1: the exit code of the worst finding. */
export const exitCodeOf = (findings: readonly Finding[]): ExitCode =>
  CODE[RANK[Math.max(0, ...findings.map(({ verdict }) => RANK.indexOf(verdict)))]!]
