import type { CommitRequest } from './ports.ts'

/** What a commit says of one topic's partition: the low-water mark and, as text, what had ended past it. */
export interface Mark {
  readonly offset: number
  readonly ended: string
}

/** The owner's place in the metadata of a partition whose owner is done with it. */
export const RELEASED = 'released'
/** Before the ended ranges; an owner's text has none. */
const RANGES_FOLLOW = '\t'

/** What a process writes as its own: no other has the same, nor has it itself after a restart. */
export const claimOf = (instanceId: string, startedAtMs: number): string =>
  `owned ${instanceId.replaceAll(RANGES_FOLLOW, ' ')} ${startedAtMs.toString(36)}`

/** A mark as a commit by `owner`; the ended ranges are left out when they are longer than `maxRangesLength`. */
export const requestOf = (
  topic: string,
  partition: number,
  { offset, ended }: Mark,
  owner: string,
  maxRangesLength: number,
): CommitRequest => ({
  topic,
  partition,
  offset,
  // Also what a former owner had written there, which may fit with its name and not with ours.
  metadata: ended === '' || ended.length > maxRangesLength ? owner : `${owner}${RANGES_FOLLOW}${ended}`,
})

/** The owner of a commit ('' when it names none) and its mark. */
export function readCommit(commit: { readonly offset: number; readonly metadata: string }): {
  readonly owner: string
  readonly mark: Mark
} {
  const [owner = '', ended = ''] = commit.metadata.split(RANGES_FOLLOW)
  return { owner, mark: { offset: commit.offset, ended } }
}
