/**
 * How long a member that stops waits for its leaving. kafkajs ends a join before it leaves, and a join may wait for a
 * member that crashed until its session is over: the broker forgets this one in the same way.
 */
const LEAVE_WITHIN_MS = 3_000

/** Resolves when `leaving` has ended, in whatever way, or has taken too long. */
export async function leaveInTime(leaving: Promise<unknown>, withinMs = LEAVE_WITHIN_MS): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, withinMs)
  })
  await Promise.race([leaving.catch(() => {}), late])
  clearTimeout(timer)
}
