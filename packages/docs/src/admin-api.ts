import type { GuardState } from '@sync/shared/absences/absence-guards'
import { serviceEnv } from '@sync/shared/config'
import type { CircuitStatus } from '@sync/shared/http/circuits'
import { OPERATIONS } from '@sync/shared/http/request'
import type { MissingRole } from '@sync/shared/http/roles'
import type { UnclaimedPartition } from '@sync/shared/kafka/claims'
import { SERVICES } from '@sync/shared/kafka/topics'
import { Registry } from 'prom-client'
import { z } from 'zod'
import manifest from '../../../package.json' with { type: 'json' }
import { openSchemaOf } from './json-schema.ts'
import type { Json } from './yaml.ts'

export const LiveAnswer = z.object({ live: z.literal(true) })

const Circuit = z.object({
  tenant: z.string().describe("The tenant's uid."),
  target: z.enum(['flow', 'omnium']),
  state: z
    .enum(['closed', 'open', 'half-open'])
    .describe('open: nothing is sent, a probe decides what is next. half-open: one key at a time is tried.'),
  cause: z
    .enum(['unreachable', 'unauthorized', 'forbidden', 'failing', 'several-keys'])
    .nullable()
    .describe('Why it is not closed.'),
  sinceMs: z.number().describe('Since when, ms since the epoch.'),
  retryAtMs: z.number().nullable().describe('Open: when it is probed, ms since the epoch.'),
}) satisfies z.ZodType<CircuitStatus>

const OPERATION_NAMES = Object.keys(OPERATIONS) as (keyof typeof OPERATIONS)[]
const Role = z.object({
  tenant: z.string().describe("The tenant's uid."),
  target: z.enum(['flow', 'omnium']),
  operation: z.enum(OPERATION_NAMES).describe('The requests that are refused.'),
  role: z.enum(['Customer read', 'Order read']).describe('What the peer calls the role.'),
  sinceMs: z.number().describe('Since when, ms since the epoch.'),
}) satisfies z.ZodType<MissingRole>

const Guard = z.object({
  tenant: z.string().describe("The tenant's uid."),
  target: z.enum(['flow', 'omnium']),
  at: z.string().describe('When it tripped, ISO 8601.'),
  missing: z.int().describe('Known ids that were answered "not found" within 10 minutes.'),
  reads: z.int().describe('All reads by id of the tenant within the same time.'),
}) satisfies z.ZodType<Omit<GuardState, 'isTripped'>>

const ShorterLog = z.object({
  topic: z.string().describe('With TOPIC_PREFIX.'),
  partition: z.int(),
  readTo: z.int().describe('The offset where the former log was to be read on.'),
  endOffset: z.int().describe('The end offset of the log that is there now.'),
})
const Unclaimed = z.object({
  partition: z.int(),
  topics: z
    .array(z.string())
    .describe('Topics that the broker names in the refusal, else all of the claim; with TOPIC_PREFIX.'),
  refusals: z.int().describe('In a row.'),
  problem: z.string().describe('Why the broker refused the last claim.'),
}) satisfies z.ZodType<UnclaimedPartition>
export const ReadyAnswer = z.object({
  ready: z.boolean().describe('Nothing is waited for.'),
  waitingFor: z
    .array(z.enum(['kafka', 'schema registry', 'consumer group', 'partition claim', 'start', 'stopping']))
    .describe('What a service needs before it can work, or has lost since. An open circuit is not among it.'),
  service: z.enum(SERVICES),
  instance: z.string().describe('SERVICE_INSTANCE_ID.'),
  circuits: z.array(Circuit).describe('Of each tenant and target that was used.'),
  missingRoles: z
    .array(Role)
    .describe('Roles that our API user lacks at a peer, until a request of that kind is answered.'),
  shorterLogs: z
    .array(ShorterLog)
    .describe(
      'Logs that held less than was read of them, or whose topic was created again, since the start of the process; all of them was read again.',
    ),
  unclaimedPartitions: z
    .array(Unclaimed)
    .describe('Partitions of this process whose claim the broker refuses, so that nothing of them is handled.'),
  absenceGuards: z
    .array(Guard)
    .describe('Tripped absence guards: no "not found" answer is acted on until `syncctl absences release`.'),
  tenants: z.object({
    inUse: z.int().describe('How many.'),
    problem: z.string().nullable().describe('Why the tenants file as it is now is not in use; null when it is.'),
  }),
  problems: z
    .record(z.string(), z.string())
    .describe('Why it waits, as far as that is known, by what it waits for; `producer`: why the last write failed.'),
})

/** Made-up answers. */
const READY: z.infer<typeof ReadyAnswer> = {
  ...{ ready: true, waitingFor: [], service: 'customer-mapper', instance: 'host-a-customer-mapper' },
  circuits: [
    {
      ...{ tenant: 'acme-no', target: 'omnium', state: 'open', cause: 'failing' },
      ...{ sinceMs: 1772355603000, retryAtMs: 1772355613000 },
    },
  ],
  missingRoles: [],
  shorterLogs: [],
  unclaimedPartitions: [],
  absenceGuards: [],
  tenants: { inUse: 3, problem: null },
  problems: {},
}
const NOT_READY: z.infer<typeof ReadyAnswer> = {
  ...READY,
  ...{ ready: false, waitingFor: ['kafka', 'schema registry', 'consumer group', 'start'], circuits: [] },
  problems: { kafka: 'checking topics: connect ECONNREFUSED 10.0.0.7:9092' },
}

const portOf = (service: (typeof SERVICES)[number]) => String(serviceEnv(service).ADMIN_PORT.parse(undefined))

/** The admin port that every service has, as an OpenAPI document. */
export const adminApi = (): Json => ({
  openapi: '3.1.0',
  info: {
    title: 'flow-omnium-sync admin port',
    version: manifest.version,
    description:
      'Health, readiness and metrics of each service, for probes, Prometheus and operators. It has no authentication and ' +
      'is never public: on loopback, unless `ADMIN_HOST` says otherwise.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [
    {
      url: 'http://localhost:{port}',
      description: '`ADMIN_PORT` of the service.',
      variables: {
        port: {
          default: portOf('flow-ingest'),
          description: SERVICES.map((service) => `${portOf(service)} ${service}`).join(', '),
        },
      },
    },
  ],
  paths: {
    '/live': {
      get: {
        operationId: 'live',
        summary: 'Does the process turn its event loop?',
        responses: { 200: json('It does.', 'Live', { live: { value: { live: true } } }) },
      },
    },
    '/ready': {
      get: {
        operationId: 'ready',
        summary: 'Can the service work, and what does it wait for?',
        description:
          'Deploying waits for it. A target that is down, or a tenants file that is not valid, makes no service unready.',
        responses: {
          200: json('It can.', 'Ready', { ready: { summary: 'A target of one tenant is down', value: READY } }),
          503: json('It waits.', 'Ready', { starting: { summary: 'Kafka is away', value: NOT_READY } }),
        },
      },
    },
    '/metrics': {
      get: {
        operationId: 'metrics',
        summary: 'All metrics, for Prometheus',
        responses: {
          200: {
            description: "In OpenMetrics for who accepts it, with exemplars; else in Prometheus' text format.",
            content: {
              [Registry.PROMETHEUS_CONTENT_TYPE]: { schema: { type: 'string' } },
              [Registry.OPENMETRICS_CONTENT_TYPE]: { schema: { type: 'string' } },
            },
          },
        },
      },
    },
  },
  components: { schemas: { Live: openSchemaOf(LiveAnswer), Ready: openSchemaOf(ReadyAnswer) } },
})

const json = (description: string, schema: string, examples: Json): Json => ({
  description,
  content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` }, examples } },
})
