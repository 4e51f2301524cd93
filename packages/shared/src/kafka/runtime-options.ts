import type { Logger } from '../logger.ts'
import type { BoundsOptions } from './bounds.ts'
import type { CircuitGate } from './circuit-gate.ts'
import type { OutcomeSink } from './outcome-sink.ts'
import type { SplitKey } from './pending.ts'
import type { Source } from './ports.ts'
import type { RunKeyOptions } from './run-key.ts'
import type { RecordMetrics, SettleOptions } from './settle.ts'
import type { ServiceName } from './topics.ts'

export interface RuntimeLimits extends Pick<BoundsOptions, 'maxPendingRecords' | 'maxPendingBytes' | 'maxDistance'> {
  /** Keys handled at once. */
  readonly maxInFlight: number
  readonly deferAfterMs: number
  readonly commitIntervalMs: number
  readonly sessionTimeoutMs: number
  readonly requestDeadlineMs: number
  /** 0: no watchdog. */
  readonly watchdogMs: number
}

export interface RuntimeOptions
  extends Pick<RunKeyOptions, 'handler' | 'decode' | 'tenants' | 'observeHandling' | 'tracer'>,
    Pick<SettleOptions, 'send' | 'maxAttempts'> {
  readonly service: ServiceName
  readonly prefix: string
  readonly instanceId: string
  /** False only where there is no topic for it, as in a benchmark of the bare runtime. */
  readonly hasRetryLane?: boolean
  readonly splitKey?: SplitKey
  readonly source: Source
  readonly circuits: CircuitGate
  readonly outcomes: OutcomeSink
  readonly metrics: RecordMetrics
  readonly limits: RuntimeLimits
  readonly logger: Logger
  /** ms by the steady clock, see steady-now.ts. All waits in memory are measured by it, and by no other clock. */
  readonly now: () => number
  /** ms since the epoch, for times that are written to topics, read from topics, or given to the handler. */
  readonly wallNow: () => number
  readonly random: () => number
  /** Called with the partition numbers that are ours after every join. */
  readonly onAssigned?: (partitions: readonly number[], lost: readonly number[]) => void
  /** The process can't go on and has to end. */
  readonly onFatal: (error: Error) => void
}
