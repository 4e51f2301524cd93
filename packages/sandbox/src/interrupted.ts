import { setMaxListeners } from 'node:events'

const EXIT_INTERRUPTED = 130

/**
 * Aborts at the first SIGINT, SIGTERM or SIGHUP, and when nobody reads standard output any more (`npm start | head`). The
 * next signal ends the process at once; what it started then ends all the same, because keepers see that it is gone.
 */
export function interruptedBySignal(): AbortSignal {
  const interrupted = new AbortController()
  setMaxListeners(0, interrupted.signal)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (interrupted.signal.aborted) process.exit(EXIT_INTERRUPTED)
      interrupted.abort(new Error(`stopped by ${signal}`))
    })
  }
  process.stdout.on('error', () => interrupted.abort(new Error('nobody reads')))
  return interrupted.signal
}
