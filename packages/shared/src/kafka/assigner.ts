/** One member of the group as the leader sees it. */
export interface GroupMember {
  readonly memberId: string
  /** SERVICE_INSTANCE_ID: the same after a restart, so that the restarted process gets its partitions back. */
  readonly instanceId: string
}

/**
 * Which member owns which partition number: the same number of every topic, so that a key has one queue in one process
 * whatever topics its records come from. Balanced to within one, independent of member order, stable by instance id, and
 * a member that joins or leaves moves few partitions of the others (rendezvous hashing with a cap).
 */
export function assignPartitions(members: readonly GroupMember[], partitions: number): Map<string, number[]> {
  const ordered = [...members].sort((a, b) => compare(a.instanceId, b.instanceId) || compare(a.memberId, b.memberId))
  const assigned = new Map<string, number[]>(ordered.map(({ memberId }) => [memberId, []]))
  if (ordered.length === 0) return assigned
  const wishes = ordered
    .flatMap(({ memberId, instanceId }, rank) =>
      Array.from({ length: partitions }, (_, partition) => ({
        memberId,
        partition,
        rank,
        weight: hash(`${instanceId}/${partition}`),
      })),
    )
    .sort((a, b) => b.weight - a.weight || a.partition - b.partition || a.rank - b.rank)
  const least = Math.floor(partitions / ordered.length)
  let extra = partitions % ordered.length
  const taken = new Set<number>()
  for (const { memberId, partition } of wishes) {
    const own = assigned.get(memberId)!
    if (taken.has(partition) || own.length > least || (own.length === least && extra === 0)) continue
    if (own.length === least) extra--
    own.push(partition)
    taken.add(partition)
  }
  for (const own of assigned.values()) own.sort((a, b) => a - b)
  return assigned
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/** FNV-1a with a final mix, so that near-equal names spread. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
