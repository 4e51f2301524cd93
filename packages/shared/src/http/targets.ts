import manifest from '../../package.json' with { type: 'json' }
import { type AbsenceGuards, createAbsenceGuards } from '../absences/absence-guards.ts'
import { type BelievingClients, createBelievingClients } from '../absences/believing-clients.ts'
import type { Target } from '../errors.ts'
import { type FlowClient, flowCredentials } from '../flow/client.ts'
import type { Logger } from '../logger.ts'
import type { Metrics } from '../metrics.ts'
import type { OmniumClient } from '../omnium/client.ts'
import { createOmniumCredentials, type OmniumCredentials } from '../omnium/token.ts'
import type { Sender } from '../senders.ts'
import type { Tenants } from '../tenants.ts'
import { noTracer, type Tracer } from '../tracing.ts'
import { createBase } from './base.ts'
import { type CircuitStatus, type Circuits, createCircuits } from './circuits.ts'
import { createClient } from './client.ts'
import { createDispatchers } from './dispatchers.ts'
import { exportCircuits } from './export-circuits.ts'
import { createLimits } from './limits.ts'
import { createPatience } from './patience.ts'
import { createRoles, type Roles } from './roles.ts'
import { afterDelay, type Schedule } from './schedule.ts'
import { limitsOf, type Shares } from './shares.ts'
import { createTargetUsage, type TargetUsage } from './target-usage.ts'

export interface TargetsOptions {
  /** Whose share of the limits is used. Named in the user agent. */
  readonly service: Sender
  /** One request's deadline, from its send to the end of its answer; the fence's arithmetic relies on it. */
  readonly requestDeadlineMs: number
  readonly metrics: Metrics
  readonly logger: Logger
  /** The part of each tenant's limits that this service takes, over all its processes: 0 to 1. */
  readonly shares: Shares
  /** ms by the steady clock, see steady-now.ts. All waits are measured by it. */
  readonly now: () => number
  /** ms since the epoch, for times that a peer names or a person reads. */
  readonly wallNow: () => number
  readonly random: () => number
  readonly schedule?: Schedule
  readonly tracer?: Tracer
  /** Whether the wait for the answer to a write may end before the deadline. The default is false. */
  readonly givesUpWrites?: boolean
  /** Shared with other processes; without them they count and trip in this process alone. */
  readonly guards?: AbsenceGuards
}

/** Both peers, as one service sees them. */
export interface Targets {
  readonly flow: FlowClient
  readonly omnium: OmniumClient
  readonly circuits: Circuits
  readonly roles: Pick<Roles, 'list'>
  readonly guards: Pick<AbsenceGuards, 'list'>
  readonly usage: Pick<TargetUsage, 'lastHour'>
  /** The tenants file has changed: new secrets and limits count from now on, what was removed is forgotten. */
  tenantsChanged(tenants: Tenants): void
  /** The partitions of this process, of `all`: its part of the service's share. All of them until told. */
  setPartitions(own: readonly number[], all: number): void
  /** Ends the probes and closes the connections; requests under way fail. */
  close(): Promise<void>
}

const MAX_ANSWER_BYTES = 10 * 1024 * 1024

/** Wires the clients of both peers: connections, tokens, rate limits, circuits, metrics and logs. */
export function createTargets(options: TargetsOptions): Targets {
  const {
    service,
    requestDeadlineMs,
    metrics,
    logger,
    shares,
    now,
    wallNow,
    random,
    schedule = afterDelay,
    tracer = noTracer,
    givesUpWrites = false,
    guards = createAbsenceGuards({ now: wallNow }),
  } = options
  const dispatchers = createDispatchers({ connectTimeoutMs: requestDeadlineMs })
  const base = createBase({
    deadlineMs: requestDeadlineMs,
    maxAnswerBytes: MAX_ANSWER_BYTES,
    userAgent: `flow-omnium-sync/${manifest.version} (${service})`,
    dispatcherOf: dispatchers.of,
    schedule,
  })
  const ownCircuits = createCircuits({
    probe: (...asked) => clients.probe(...asked),
    now,
    random,
    schedule,
    onTransition: (status) => logTransition(logger, status, now()),
  })
  const onWallClock = (status: CircuitStatus): CircuitStatus => {
    const stepMs = wallNow() - now()
    const { sinceMs, retryAtMs } = status
    return { ...status, sinceMs: sinceMs + stepMs, retryAtMs: retryAtMs === null ? null : retryAtMs + stepMs }
  }
  const circuits: Circuits = { ...ownCircuits, list: () => ownCircuits.list().map(onWallClock) }
  const exported = exportCircuits(circuits, metrics)

  const createLimitsOf = (target: Target) =>
    createLimits({
      target,
      limitsOf: (tenant) => limitsOf(tenant, target, service, shares[target]),
      ...{ metrics, now, wallNow, random, schedule },
    })
  const limits = { flow: createLimitsOf('flow'), omnium: createLimitsOf('omnium') }
  const roles = createRoles(wallNow, metrics)
  const usage = createTargetUsage(now)
  const patience = createPatience({
    deadlineMs: requestDeadlineMs,
    now: () => performance.now(),
    schedule,
    givesUpWrites,
  })
  const common = { base: usage.count(base), circuits, roles, patience, metrics, logger, tracer, wallNow }
  let omniumCredentials: OmniumCredentials | undefined
  const clients: BelievingClients = createBelievingClients({
    flow: createClient({ ...common, target: 'flow', limits: limits.flow, credentials: () => flowCredentials }),
    omnium: createClient({
      ...common,
      target: 'omnium',
      limits: limits.omnium,
      credentials(send) {
        omniumCredentials = createOmniumCredentials({ send, sender: service, now, wallNow, random, schedule })
        return omniumCredentials
      },
    }),
    ...{ circuits, roles, guards, now, schedule },
  })
  const { flow, omnium } = clients
  return {
    flow,
    omnium,
    circuits,
    roles,
    guards,
    usage,
    tenantsChanged(tenants) {
      roles.tenantsChanged(tenants)
      exported.tenantsChanged(tenants)
      circuits.tenantsChanged(tenants)
      clients.tenantsChanged(tenants)
      limits.flow.tenantsChanged(tenants)
      limits.omnium.tenantsChanged(tenants)
      omniumCredentials?.tenantsChanged(tenants)
    },
    setPartitions(own, all) {
      limits.flow.setPartitions(own, all)
      limits.omnium.setPartitions(own, all)
    },
    async close() {
      circuits.close()
      clients.close()
      await dispatchers.close()
    },
  }
}

function logTransition(
  logger: Logger,
  { tenant, target, state, cause, sinceMs, retryAtMs }: CircuitStatus,
  at: number,
) {
  if (state === 'open') {
    const retryInMs = Math.max(0, (retryAtMs ?? at) - at)
    logger.warn({ tenant, target, state, cause, openForMs: at - sinceMs, retryInMs }, 'circuit open: nothing is sent')
  } else if (state === 'half-open') logger.info({ tenant, target, state, cause }, 'circuit half-open: a few keys try')
  else logger.info({ tenant, target, state }, 'circuit closed')
}
