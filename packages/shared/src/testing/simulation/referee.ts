import { type CommitsJudge, createCommitsJudge } from './judge-commits.ts'
import { createEndsJudge, type EndsJudge } from './judge-ends.ts'
import { createWritesJudge, type JudgeOptions, type WritesJudge } from './judge-writes.ts'
import type { Ledger } from './ledger.ts'
import type { Member } from './member.ts'

/** Is told everything that happens, and writes down in the ledger what must not. */
export interface Referee extends WritesJudge, EndsJudge, CommitsJudge {
  readonly ledger: Ledger
}

export function createReferee(options: JudgeOptions, ownerOf: (partition: number) => Member | null): Referee {
  const commits = createCommitsJudge(options, ownerOf)
  const writes = createWritesJudge({ ...options, hasEnded: commits.hasEnded })
  return { ledger: options.ledger, ...commits, ...writes, ...createEndsJudge(options) }
}
