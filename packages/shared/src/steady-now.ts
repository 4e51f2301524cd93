const startedAt = performance.timeOrigin

/**
 * ms that only go forward, for waits in memory. They begin with the time of the wall clock at the start of the process, and go on evenly
 * when the wall clock is set. Never to be written where another process reads it.
 */
export const steadyNow = (): number => Math.floor(startedAt + performance.now())
