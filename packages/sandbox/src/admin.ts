import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { seededChance } from './disturbance.ts'
import { FaultRule } from './fault-rule.ts'
import type { JournalEntry } from './journal.ts'
import { refusal } from './refusal.ts'
import type { StandIn, StandInTenant } from './stand-in.ts'

const DisturbanceBody = z.strictObject({
  seed: z.int(),
  drop: z.number().min(0).max(1).optional(),
  duplicate: z.number().min(0).max(1).optional(),
  reorder: z.number().min(0).max(1).optional(),
})

const JournalQuery = z.object({
  kind: z.enum(['request', 'write', 'delivery', 'defect']).optional() satisfies z.ZodType<
    JournalEntry['kind'] | undefined
  >,
  tenant: z.string().optional(),
  after: z.coerce.number().optional(),
  id: z.string().optional(),
  limit: z.coerce.number().int().positive().default(10_000),
})

/** What a peer adds to the admin routes that both have. */
export interface AdminPort<Tenant extends StandInTenant> {
  /** How `PUT /_admin/tenants/{uid}` makes a tenant: over the one there is, if there is one. Throws a 400. */
  readonly configureTenant: (uid: string, fields: unknown) => Tenant
  /** Throws a 404. */
  readonly modes: (uid: string) => object
  /** Everything stored, per tenant. */
  readonly state: (tenant: string | undefined) => unknown
  /** Forgets everything but the tenants. */
  readonly clear: () => void
}

/** Routes under /_admin that both stand-ins have: tenants, state, journal, faults, disturbance of webhooks, clear. */
export function addAdminRoutes<Tenant extends StandInTenant>(
  scope: FastifyInstance,
  { journal, faults, webhooks }: StandIn<Tenant>,
  port: AdminPort<Tenant>,
): void {
  scope.put('/tenants/:tenant', (request) => {
    const { tenant } = request.params as { tenant: string }
    port.configureTenant(tenant, request.body)
    return { uid: tenant }
  })
  scope.get('/tenants/:tenant/modes', (request) => port.modes((request.params as { tenant: string }).tenant))
  scope.put('/tenants/:tenant/modes', (request) => {
    const { tenant } = request.params as { tenant: string }
    port.modes(tenant)
    port.configureTenant(tenant, { modes: request.body })
    return port.modes(tenant)
  })
  scope.get('/state', (request) => port.state((request.query as { tenant?: string }).tenant))
  scope.post('/clear', () => {
    port.clear()
    return {}
  })

  scope.get('/journal', (request) => {
    const { limit, ...filter } = checked(JournalQuery, request.query)
    return {
      entries: journal.entries(filter).slice(0, limit),
      lastSeq: journal.lastSeq(),
      forgotten: journal.forgotten(),
    }
  })
  scope.delete('/journal', () => {
    journal.clear()
    return {}
  })

  scope.get('/faults', () => faults.list())
  scope.post('/faults', (request, reply) => reply.code(201).send({ id: faults.add(checked(FaultRule, request.body)) }))
  scope.delete('/faults', () => {
    faults.clear()
    return {}
  })
  scope.delete('/faults/:id', (request) => {
    const { id } = request.params as { id: string }
    if (!faults.remove(id)) throw refusal(404, 'no such fault')
    return {}
  })
  scope.post('/faults/:id/release', (request) => ({
    released: faults.release((request.params as { id: string }).id),
  }))

  scope.get('/webhooks', () => webhooks.counts())
  scope.put('/webhooks/disturbance', (request) => {
    const { seed, ...shares } = checked(DisturbanceBody, request.body)
    webhooks.disturb({ chance: seededChance(seed), ...shares })
    return {}
  })
  scope.delete('/webhooks/disturbance', () => {
    webhooks.disturb(null)
    return {}
  })
}

/** Parses with a schema. Throws a 400 that lists every problem. */
export function checked<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw refusal(400, parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '))
}
