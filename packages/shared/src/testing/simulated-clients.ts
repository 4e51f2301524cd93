import { type AbsenceGuards, createAbsenceGuards } from '../absences/absence-guards.ts'
import { type BelievingClients, createBelievingClients } from '../absences/believing-clients.ts'
import { type FlowClient, flowCredentials } from '../flow/client.ts'
import { type Circuits, createCircuits } from '../http/circuits.ts'
import { createClient } from '../http/client.ts'
import { createLimits } from '../http/limits.ts'
import type { Send } from '../http/request.ts'
import { createRoles } from '../http/roles.ts'
import { createMetrics } from '../metrics.ts'
import type { OmniumClient } from '../omnium/client.ts'
import { createOmniumCredentials } from '../omnium/token.ts'
import { noTracer } from '../tracing.ts'
import type { ManualTime } from './manual-time.ts'

export interface SimulatedClients {
  readonly flow: FlowClient
  readonly omnium: OmniumClient
  readonly circuits: Circuits
}

export interface SimulatedClientsOptions {
  readonly time: ManualTime
  /** The peers. Token requests of Omnium come here too. */
  readonly send: Send
  readonly shares?: { readonly flow: number; readonly omnium: number }
  readonly random?: () => number
  readonly guards?: AbsenceGuards
}

/** One process as the peers see it: all layers of the real clients, above simulated peers and in simulated time. */
export function createSimulatedClients(options: SimulatedClientsOptions): SimulatedClients {
  const {
    time,
    send,
    guards = createAbsenceGuards({ now: time.now }),
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
  const common = { base: send, circuits, roles, metrics, logger: { debug() {} }, tracer: noTracer, now }
  const limits = { metrics, now, schedule }
  const clients: BelievingClients = createBelievingClients({
    flow: createClient({
      ...common,
      target: 'flow',
      limits: createLimits({ ...limits, target: 'flow', share: shares.flow }),
      credentials: () => flowCredentials,
    }),
    omnium: createClient({
      ...common,
      target: 'omnium',
      limits: createLimits({ ...limits, target: 'omnium', share: shares.omnium }),
      credentials: (sendToken) => createOmniumCredentials({ send: sendToken, now, random }),
    }),
    ...{ circuits, guards, now },
  })
  return { flow: clients.flow, omnium: clients.omnium, circuits }
}
