import type { Runtime } from './kafka/runtime.ts'

export interface Readiness {
  /** The parts for which the start still waits. */
  readonly waitingFor: ReadonlySet<string>
  readonly isProducerHealthy: boolean
  /** null before the runtime was made. */
  readonly runtime: Pick<Runtime, 'isConsuming' | 'unclaimed'> | null
  readonly isStopping: boolean
}

/** The parts that are not ready, because they have not started yet or have failed since. A ready service has none. */
export function waitsOf({ waitingFor, isProducerHealthy, runtime, isStopping }: Readiness): string[] {
  return [
    ...waitingFor,
    ...(!waitingFor.has('kafka') && !isProducerHealthy ? ['kafka'] : []),
    ...(!waitingFor.has('consumer group') && runtime?.isConsuming() === false ? ['consumer group'] : []),
    ...(runtime !== null && runtime.unclaimed().length > 0 ? ['partition claim'] : []),
    ...(isStopping ? ['stopping'] : []),
  ]
}
