import { SyncError } from '@sync/shared/errors'
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

/**
 * A check that needs a read for which our API user lacks a role. Without `role`, only the check of the roles names the role.
 * Throws any other error.
 */
export function notChecked(check: string, error: unknown, role?: string): Finding {
  if (!(error instanceof SyncError) || error.code !== 'role-missing') throw error
  const name = role === undefined ? '' : ` "${role}"`
  return broken(
    check,
    `not checked, because ${error.message}`,
    `Give our API user the role${name}, and run the command again.`,
  )
}

const CODE: Readonly<Record<Verdict, ExitCode>> = { ok: EXIT.ok, look: EXIT.differences, broken: EXIT.error }
const RANK: readonly Verdict[] = ['ok', 'look', 'broken']

/** 0, 2 or 1: the exit code of the worst finding. */
export const exitCodeOf = (findings: readonly Finding[]): ExitCode =>
  CODE[RANK[Math.max(0, ...findings.map(({ verdict }) => RANK.indexOf(verdict)))]!]
