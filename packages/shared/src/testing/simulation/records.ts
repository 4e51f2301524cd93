import { SyncError } from '../../errors.ts'
import type { Outcome } from '../../outcome.ts'

/** What comes of one try of a record at the target. */
export type Try = 'ok' | 'unchanged' | 'fails' | 'unavailable' | 'waits' | 'unknown end' | 'refused'
/** Why a record can never end well. */
export type Poison = 'fails' | 'refused' | 'broken' | 'unknown tenant' | 'no tenant'

/** The value of a simulated record: what is to come of its tries, one after the other, and then always. */
export interface Fate {
  readonly group: string | null
  readonly version: string
  readonly isEcho: boolean
  readonly tries: readonly Try[]
  readonly always: Try
}

export const readFate = (bytes: Buffer): Fate => {
  if (bytes.toString() === 'broken') throw new SyncError('contract-violation', 'decoding')
  return JSON.parse(bytes.toString())
}

export const outcomeOfTry = (result: Try): Outcome => {
  switch (result) {
    case 'ok':
      return { kind: 'done' }
    case 'unchanged':
      return { kind: 'skipped', reason: 'unchanged' }
    case 'fails':
      return { kind: 'retry', reason: 'target-failed' }
    case 'unavailable':
      return { kind: 'retry', reason: 'target-unavailable' }
    case 'waits':
      return { kind: 'retry', reason: 'child-pending', afterMs: 700 }
    case 'unknown end':
      return { kind: 'retry', reason: 'target-failed', verify: true }
    case 'refused':
      return { kind: 'park', reason: 'refused', message: '422' }
  }
}
