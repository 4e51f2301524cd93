const wanted = Number(process.env.FC_RUNS) || null

/** How often a property runs: `usual`, or FC_RUNS when thousands are wanted by hand. */
export const runs = (usual: number): { numRuns: number } => ({ numRuns: wanted ?? usual })

/** A test's options: the time that so many runs may take on a busy machine. */
export const patience = { timeout: 30_000 + 100 * (wanted ?? 0) }
