/** A member as the coordinator sees it. Both calls reach it later, or never. */
export interface Seat<M> {
  readonly member: M
  /** A rebalance has begun: join again. `isAnnounced`: the client says so before it joins. */
  mustJoin(isAnnounced: boolean): void
  assigned(partitions: readonly number[], generation: number): void
}

/** A consumer group's coordinator: a generation begins when all members have joined, and each partition has one owner in it. */
export interface Coordinator<M> {
  /** A new member; answers its id. It has to join next. */
  enter(seat: Seat<M>): string
  joined(id: string): void
  /** Left, or not heard of for too long. */
  leave(id: string): void
  knows(id: string, generation?: number): boolean
  /** Its join is waited for. */
  waitsFor(id: string): boolean
  /** Makes all join again. `owner`: which of the members, in the order of their coming, gets a partition. */
  rebalance(owner: (partition: number) => number, isAnnounced: boolean): void
  ownerOf(partition: number): M | null
}

export function createCoordinator<M>(partitions: number): Coordinator<M> {
  const numbers = Array.from({ length: partitions }, (_, partition) => partition)
  const seats = new Map<string, Seat<M>>()
  const waitedFor = new Set<string>()
  let owners = new Map<number, M>()
  let isPreparing = false
  let generation = 0
  let entered = 0
  let wanted = (partition: number) => partition

  const prepare = (isAnnounced: boolean) => {
    if (!isPreparing) for (const id of seats.keys()) waitedFor.add(id)
    isPreparing = true
    for (const id of waitedFor) seats.get(id)!.mustJoin(isAnnounced)
    complete()
  }
  const complete = () => {
    if (!isPreparing || waitedFor.size > 0 || seats.size === 0) return
    isPreparing = false
    generation++
    const all = [...seats.values()]
    owners = new Map(numbers.map((partition) => [partition, all[wanted(partition) % all.length]!.member]))
    for (const seat of all) {
      seat.assigned(
        numbers.filter((partition) => owners.get(partition) === seat.member),
        generation,
      )
    }
  }

  return {
    enter(seat) {
      const id = `member-${++entered}`
      seats.set(id, seat)
      if (isPreparing) waitedFor.add(id)
      return id
    },
    joined(id) {
      if (!seats.has(id)) return
      if (!isPreparing) prepare(true)
      waitedFor.delete(id)
      complete()
    },
    leave(id) {
      waitedFor.delete(id)
      if (seats.delete(id)) prepare(true)
    },
    knows: (id, of = generation) => seats.has(id) && of === generation,
    waitsFor: (id) => waitedFor.has(id),
    rebalance(owner, isAnnounced) {
      wanted = owner
      if (seats.size > 0) prepare(isAnnounced)
    },
    ownerOf: (partition) => owners.get(partition) ?? null,
  }
}
