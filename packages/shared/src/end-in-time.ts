/**
 * How long what stops waits for the broker. kafkajs ends what it has asked before it lets go, and an answer may be half a
 * minute away, or a join wait for a member that crashed until its session is over: the broker forgets this one in the
 * same way.
 */
const END_WITHIN_MS = 3_000

/** Resolves when `ending` has ended, in whatever way, or has taken too long: then with false. */
export async function endInTime(ending: Promise<unknown>, withinMs = END_WITHIN_MS): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const ended = ending.then(
    () => true,
    () => true,
  )
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, withinMs, false)
  })
  const isInTime = await Promise.race([ended, late])
  clearTimeout(timer)
  return isInTime
}
