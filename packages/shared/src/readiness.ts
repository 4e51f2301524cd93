import type { Runtime } from './kafka/runtime.ts'

export interface Readiness {
  /** What the start still waits for. */
  readonly waitingFor: ReadonlySet<string>
  readonly isProducerHealthy: boolean
  /** null before the runtime was made. */
  readonly runtime: Pick<Runtime, 'isConsuming' | 'unclaimed'> | null
  readonly isStopping: boolean
}

/** What a service waits for: the rest of its start, and what failed again after a start that went well. Nothing means ready. */
export function waitsOf({ waitingFor, isProducerHealthy, runtime, isStopping }: Readiness): string[] {
  return [
    ...waitingFor,
    ...(!waitingFor.has('kafka') && !isProducerHealthy ? ['kafka'] : []),
    ...(!waitingFor.has('consumer group') && runtime?.isConsuming() === false ? ['consumer group'] : []),
    ...(runtime !== null && runtime.unclaimed().length > 0 ? ['partition claim'] : []),
    ...(isStopping ? ['stopping'] : []),
  ]
}
