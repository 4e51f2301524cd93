const wanted = Number(process.env.FC_RUNS) || null

/** How often a property runs: `usual`, or FC_RUNS when thousands are wanted by hand. */
export const runs = (usual: number): { numRuns: number } => ({ numRuns: wanted ?? usual })

/** A test's options: the time that so many runs may take on a busy machine. */
export const patience = { timeout: 30_000 + 1_000 * (wanted ?? 0) }

/**
 * As `runs`, for properties whose counterexamples take long to shrink: ends in time to print the one that it has come to.
 * Not where timers are fake before the property begins.
 */
export const timedRuns = (usual: number) => ({
  ...runs(usual),
  interruptAfterTimeLimit: patience.timeout - 5_000,
  markInterruptAsFailure: true,
})
