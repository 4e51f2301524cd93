import type { Target } from '../errors.ts'
import type { FlowClient } from '../flow/client.ts'
import { createFlowClient } from '../flow/client.ts'
import type { Circuits, CircuitsOptions } from '../http/circuits.ts'
import type { TargetClient } from '../http/client.ts'
import type { Roles } from '../http/roles.ts'
import type { Schedule } from '../http/schedule.ts'
import { createOmniumClient, type OmniumClient } from '../omnium/client.ts'
import type { Tenants } from '../tenants.ts'
import type { AbsenceGuards } from './absence-guards.ts'
import { createAbsentIds } from './absent-ids.ts'
import { createBelief, nameOfId } from './belief.ts'
import type { RoutePorts } from './control-read.ts'
import { createControlReads } from './control-reads.ts'
import { believingFlow, flowRoutePorts } from './flow-belief.ts'
import { believingOmnium, omniumRoutePorts } from './omnium-belief.ts'
import { createReadRoles } from './read-roles.ts'

export interface BelievingClientsOptions {
  readonly flow: TargetClient
  readonly omnium: TargetClient
  readonly circuits: Circuits
  readonly roles: Pick<Roles, 'readsRefused' | 'readsGranted'>
  readonly guards: AbsenceGuards
  readonly now: () => number
  readonly schedule: Schedule
}

export interface BelievingClients {
  readonly flow: FlowClient
  readonly omnium: OmniumClient
  readonly probe: CircuitsOptions['probe']
  /** The tenants file has changed. */
  tenantsChanged(tenants: Tenants): void
  /** Ends control reads, probes and searches that several callers wait for. */
  close(): void
}

/** An id that was answered "not found" so lately that a control read takes another id. */
const DOUBTFUL_MS = 60_000

/** Both peers, of which a "not found" answer is believed only as design/4-peers.md says. */
export function createBelievingClients(options: BelievingClientsOptions): BelievingClients {
  const { circuits, roles, guards, now, schedule } = options
  const closing = new AbortController()
  const { signal } = closing

  const believe = (target: Target, ports: RoutePorts) => {
    const absent = createAbsentIds(now)
    const controls = createControlReads({
      ...{ target, ports, now, signal },
      isDoubtful(tenant, route, id) {
        const known = absent.get(nameOfId({ tenant: { uid: tenant } }, route, id))
        return known !== undefined && now() - known.lastAt < DOUBTFUL_MS
      },
    })
    const { remembered } = controls
    const readRoles = createReadRoles({ target, ports, roles, remembered, now, schedule, signal })
    return { controls, readRoles, belief: createBelief({ target, circuits, controls, absent, guards, now }) }
  }

  const inGuard = ({ inSlot, sendInGuard, sendAside }: TargetClient): TargetClient => ({
    ...{ inSlot, sendInGuard, sendAside, send: sendInGuard },
  })
  const flow = believe('flow', flowRoutePorts(createFlowClient({ ...options.flow, send: options.flow.sendAside })))
  const omnium = believe(
    'omnium',
    omniumRoutePorts(createOmniumClient({ ...options.omnium, send: options.omnium.sendAside })),
  )
  return {
    flow: believingFlow(createFlowClient(inGuard(options.flow)), circuits, flow.belief, flow.readRoles),
    omnium: believingOmnium({
      inGuard: createOmniumClient(inGuard(options.omnium)),
      aside: createOmniumClient({ ...options.omnium, send: options.omnium.sendAside }),
      belief: omnium.belief,
      readRoles: omnium.readRoles,
      ...{ circuits, now, signal },
    }),
    probe: (tenant, target, ends, routes) => (target === 'flow' ? flow : omnium).controls.probe(tenant, routes, ends),
    tenantsChanged(tenants) {
      flow.readRoles.tenantsChanged(tenants)
      omnium.readRoles.tenantsChanged(tenants)
    },
    close: () => closing.abort(),
  }
}
