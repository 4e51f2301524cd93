import { type AbsenceGuards, createAbsenceGuards } from '../absences/absence-guards.ts'
import { type BelievingClients, createBelievingClients } from '../absences/believing-clients.ts'
import type { Target } from '../errors.ts'
import { type FlowClient, flowCredentials } from '../flow/client.ts'
import { type Circuits, createCircuits } from '../http/circuits.ts'
import { createClient } from '../http/client.ts'
import { createLimits } from '../http/limits.ts'
import { createPatience } from '../http/patience.ts'
import type { Send } from '../http/request.ts'
import { createRoles, type Roles } from '../http/roles.ts'
import { limitsOf, type Shares } from '../http/shares.ts'
import { createMetrics } from '../metrics.ts'
import type { OmniumClient } from '../omnium/client.ts'
import { createOmniumCredentials } from '../omnium/token.ts'
import type { Sender } from '../senders.ts'
import { noTracer } from '../tracing.ts'
import type { ManualTime } from './manual-time.ts'

export interface SimulatedClients {
  readonly flow: FlowClient
  readonly omnium: OmniumClient
  readonly circuits: Circuits
  readonly roles: Pick<Roles, 'list'>
  setPartitions(own: readonly number[], all: number): void
}

export interface SimulatedClientsOptions {
  readonly time: ManualTime
  /** The peers. Token requests of Omnium come here too. */
  readonly send: Send
  readonly service?: Sender
  readonly shares?: Shares
  readonly random?: () => number
  readonly guards?: AbsenceGuards
}

/** One process as the peers see it: all layers of the real clients, above simulated peers and in simulated time. */
export function createSimulatedClients(options: SimulatedClientsOptions): SimulatedClients {
  const {
    time,
    send,
    guards = createAbsenceGuards({ now: time.now }),
    service = 'customer-mapper',
    shares = { flow: 1, omnium: 1 },
    random = () => 0.5,
  } = options
  const { now, schedule } = time
  const metrics = createMetrics('customer-mapper')
  const circuits: Circuits = createCircuits({
    probe: (...asked) => clients.probe(...asked),
    now,
    random,
    schedule,
  })
  const roles = createRoles(now, metrics)
  const patience = createPatience({ deadlineMs: 10_000, now, schedule, givesUpWrites: service === 'customer-mapper' })
  const common = {
    base: send,
    circuits,
    roles,
    patience,
    metrics,
    logger: { debug() {} },
    tracer: noTracer,
    wallNow: now,
  }
  const createLimitsOf = (target: Target) =>
    createLimits({
      target,
      limitsOf: (tenant) => limitsOf(tenant, target, service, shares[target]),
      ...{ metrics, now, wallNow: now, random, schedule },
    })
  const limits = { flow: createLimitsOf('flow'), omnium: createLimitsOf('omnium') }
  const clients: BelievingClients = createBelievingClients({
    flow: createClient({
      ...common,
      target: 'flow',
      limits: limits.flow,
      credentials: () => flowCredentials,
    }),
    omnium: createClient({
      ...common,
      target: 'omnium',
      limits: limits.omnium,
      credentials: (sendToken) =>
        createOmniumCredentials({ send: sendToken, sender: service, now, wallNow: now, random, schedule }),
    }),
    ...{ circuits, roles, guards, now, schedule },
  })
  return {
    flow: clients.flow,
    omnium: clients.omnium,
    circuits,
    roles,
    setPartitions(own, all) {
      limits.flow.setPartitions(own, all)
      limits.omnium.setPartitions(own, all)
    },
  }
}
