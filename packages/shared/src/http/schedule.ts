/** Runs `run` once after `delayMs`, unless the returned function cancels it. */
export type Schedule = (run: () => void, delayMs: number) => () => void

/** The real one. Its timers don't keep the process alive. */
export const afterDelay: Schedule = (run, delayMs) => {
  const timer = setTimeout(run, delayMs)
  timer.unref()
  return () => clearTimeout(timer)
}
