import { hash } from 'node:crypto'
import type { CommitRequest } from './ports.ts'

/** What a commit says of one topic's partition: the low-water mark and, as text, what had ended past it. */
export interface Mark {
  readonly offset: number
  readonly ended: string
}

/** How the owner of a partition says of itself that it is, or was, its owner. */
export interface Claim {
  readonly owned: string
  readonly released: string
}

/** Between the owner, the ended ranges and the topic's id, none of which contains it. The last two may be missing. */
const SEPARATOR = '\t'
const RELEASED = 'released'

/** With the rest of an owner's text 30 bytes, which also a broker with a small `offset.metadata.max.bytes` takes. */
const MAX_NAME_BYTES = 12

/** No other process says the same, nor does this one after a restart. At most 30 bytes, whatever the name of the instance. */
export function claimOf(instanceId: string, startedAtMs: number): Claim {
  const isShort = Buffer.byteLength(instanceId) <= MAX_NAME_BYTES
  const name = isShort ? instanceId : hash('sha256', instanceId, 'base64url').slice(0, MAX_NAME_BYTES)
  const self = `${name.replaceAll(SEPARATOR, ' ')} ${Math.floor(startedAtMs).toString(36)}`
  return { owned: `owned ${self}`, released: `${RELEASED} ${self}` }
}

/** Whether nobody can be writing any more on behalf of what `owner` says, or nobody ever did. */
export const isReleased = (owner: string): boolean => owner === '' || owner.split(' ')[0] === RELEASED

/**
 * A mark as a commit by `owner`; the ended ranges are left out when they are longer than `maxRangesLength`. The commit names the
 * topic's id ('' if not known), because a commit may arrive after the topic was deleted and created again: Kafka would store it for
 * the new log.
 */
export const requestOf = (
  topic: string,
  partition: number,
  { offset, ended }: Mark,
  owner: string,
  topicId: string,
  maxRangesLength: number,
): CommitRequest => ({
  topic,
  partition,
  offset,
  // Also what a former owner had written there, which may fit with its name and not with ours.
  metadata: [owner, ended.length > maxRangesLength ? '' : ended, topicId].join(SEPARATOR).trimEnd(),
})

/** The parts of a commit's metadata. A missing part is ''. */
export function partsOf(metadata: string): {
  readonly owner: string
  readonly ended: string
  readonly topicId: string
} {
  const [owner = '', ended = '', topicId = ''] = metadata.split(SEPARATOR)
  return { owner, ended, topicId }
}

/** Each topic's commit of a partition: its owner and the topic's id ('' when it names none), and its mark. */
export const commitsOf = (
  partition: number,
  committed: ReadonlyMap<string, ReadonlyMap<number, { readonly offset: number; readonly metadata: string }>>,
): { readonly topic: string; readonly owner: string; readonly topicId: string; readonly mark: Mark }[] =>
  [...committed].flatMap(([topic, of]) => {
    const commit = of.get(partition)
    if (commit === undefined) return []
    const { owner, ended, topicId } = partsOf(commit.metadata)
    return [{ topic, owner, topicId, mark: { offset: commit.offset, ended } }]
  })
