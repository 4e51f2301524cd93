import type { SharedConfig } from './config.ts'
import type { Codec } from './contracts/codec.ts'
import type { Targets } from './http/targets.ts'
import type { createKafka } from './kafka/connect.ts'
import type { Publisher } from './kafka/publisher.ts'
import type { TopicName } from './kafka/topics.ts'
import type { Part } from './lifecycle.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'
import type { StreamHandler } from './stream.ts'
import type { Tenants } from './tenants.ts'
import type { Tracer } from './tracing.ts'

/** The means with which a service builds its handler and its further parts. */
export interface ServiceContext<C extends SharedConfig> {
  readonly config: C
  readonly targets: Targets
  readonly publisher: Publisher
  readonly tenants: () => Tenants
  readonly metrics: Metrics
  readonly logger: Logger
  readonly connectKafka: (clientSuffix: string) => ReturnType<typeof createKafka>
  readonly codec: Codec
  /** Whether the partition of a key was given to this member at the last join. */
  readonly owns: (key: string) => boolean
  /** Turns false when a stop begins. */
  readonly isAccepting: () => boolean
  readonly tracer: Tracer
}

/** The change that a join made to the member's partitions. */
export interface AssignmentChange {
  /** Whether the partition of a key was this member's before, and all the time. */
  readonly kept: (key: string) => boolean
  readonly hasGained: boolean
}

export interface ServiceParts {
  readonly handler: StreamHandler<never> | StreamHandler
  /** Topics that the service writes besides its handler's and its own. */
  readonly writes: readonly TopicName[]
  /** The parts that fill the inbox. They start as soon as Kafka takes writes, before the consumer starts. */
  readonly inbox?: readonly Part[]
  /** Started after the consumer, stopped before it, all at once. */
  readonly parts?: readonly Part[]
  /** Called after every join. The context's `owns` answers by the new assignment already. */
  readonly onAssigned?: (change: AssignmentChange) => void
  /** Called when the tenants file has changed. */
  readonly onTenants?: () => void
}
