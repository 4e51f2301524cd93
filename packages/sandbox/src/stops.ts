import { unless } from './unless.ts'

/** Ends a part that was started. */
export type Stop = () => Promise<unknown>

/** From the last one started to the first; what fails is told, and what has not ended in time is left to its keeper. */
export async function stopAll(
  stops: readonly Stop[],
  withinMs: number,
  complain: (text: string) => void,
): Promise<void> {
  const deadline = AbortSignal.timeout(withinMs)
  for (const stop of stops.toReversed()) {
    try {
      await unless(deadline, stop())
    } catch (error) {
      complain(`stopping: ${(error as Error).message}`)
    }
  }
}
