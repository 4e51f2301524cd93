import { ingestEnv } from '@sync/shared/config'
import { MAX_BODY_BYTES } from '@sync/shared/http/server'
import manifest from '../../../package.json' with { type: 'json' }
import { openSchemaOf } from './json-schema.ts'
import { Problem, RESPONSES, responsesOf } from './webhook-answers.ts'
import { type EventKind, FLOW_EVENT, ID, OMNIUM_EVENT } from './webhook-events.ts'
import type { Json } from './yaml.ts'

const DESCRIPTION = `
Where Flow and Omnium tell flow-omnium-sync that something has changed. An event is thin: it names an object, whose state is
then read at its source. So the answer says only that the event is stored, not what becomes of it; sending one twice, or
late, does no harm.

An event is a JSON object in UTF-8, at most ${MAX_BODY_BYTES} bytes, whatever the content type says. Any instance of a service
takes any event.
`.trim()

const SOURCES = {
  flow: { peer: 'Flow', service: 'flow-ingest', event: FLOW_EVENT },
  omnium: { peer: 'Omnium', service: 'omnium-ingest', event: OMNIUM_EVENT },
} as const

/** The webhooks of both ingest services as an OpenAPI document. */
export const webhooksApi = (): Json => ({
  openapi: '3.1.0',
  info: {
    title: 'flow-omnium-sync webhooks',
    version: manifest.version,
    description: DESCRIPTION,
    license: { name: 'MIT', identifier: 'MIT' },
  },
  tags: Object.values(SOURCES).map(({ peer, service }) => ({ name: peer, description: `Taken by ${service}.` })),
  security: [{ bearer: [] }, { basic: [] }, { key: [] }, { webhookId: [], webhookTimestamp: [], webhookSignature: [] }],
  paths: Object.fromEntries(
    (['flow', 'omnium'] as const).map((source) => [`/webhooks/${source}/{tenantUid}`, pathOf(source)]),
  ),
  components: {
    parameters: {
      tenantUid: {
        name: 'tenantUid',
        in: 'path',
        required: true,
        description: "The tenant's `uid` in the tenants file.",
        schema: { type: 'string', minLength: 1, maxLength: 1024 },
        example: 'acme-no',
      },
      traceparent: {
        name: 'traceparent',
        in: 'header',
        description:
          'W3C trace context: the trace that all records of the change belong to. One that is none is left aside.',
        schema: { type: 'string' },
        example: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      },
    },
    responses: RESPONSES,
    schemas: {
      ...Object.fromEntries([FLOW_EVENT, OMNIUM_EVENT].map(({ name, schema }) => [name, schema])),
      Id: ID,
      Problem: openSchemaOf(Problem),
    },
    securitySchemes: SECURITY_SCHEMES,
  },
})

const pathOf = (source: 'flow' | 'omnium'): Json => {
  const { peer, service, event } = SOURCES[source]
  return {
    servers: [
      {
        url: 'https://{host}',
        description: 'As the peer sees it: TLS ends before the service.',
        variables: { host: { default: 'sync.example.com' } },
      },
      {
        url: `http://localhost:${ingestEnv(service).HTTP_PORT.parse(undefined)}`,
        description: `${service} itself, by the default of its HTTP_PORT.`,
      },
    ],
    parameters: [{ $ref: '#/components/parameters/tenantUid' }],
    post: {
      operationId: `receive${peer}Event`,
      tags: [peer],
      summary: `Stores an event of ${peer}`,
      parameters: [{ $ref: '#/components/parameters/traceparent' }],
      requestBody: requestOf(event),
      responses: responsesOf(source),
    },
  }
}

const requestOf = ({ name, examples }: EventKind): Json => ({
  required: true,
  content: {
    'application/json': {
      schema: { $ref: `#/components/schemas/${name}` },
      examples: Object.fromEntries(
        Object.entries(examples).map(([id, { summary, value }]) => [id, { summary, value }]),
      ),
    },
  },
})

/** Of each way to authenticate, the secret is one of the tenant's `webhookSecrets`. */
const SECURITY_SCHEMES: Json = {
  bearer: { type: 'http', scheme: 'bearer', description: 'A secret of the tenant.' },
  basic: { type: 'http', scheme: 'basic', description: 'A secret of the tenant as the password, with any user name.' },
  key: {
    type: 'apiKey',
    in: 'query',
    name: 'key',
    description: 'A secret of the tenant, for a sender that can set only a URL. It is never logged here; proxies may.',
  },
  webhookId: {
    type: 'apiKey',
    in: 'header',
    name: 'webhook-id',
    description: 'Standard Webhooks: the id of the message. The three headers go together.',
  },
  webhookTimestamp: {
    type: 'apiKey',
    in: 'header',
    name: 'webhook-timestamp',
    description: 'Standard Webhooks: when it was signed, seconds since the epoch; at most five minutes off.',
  },
  webhookSignature: {
    type: 'apiKey',
    in: 'header',
    name: 'webhook-signature',
    description:
      'Standard Webhooks: `v1,` and the base64 of the HMAC-SHA256 of `id.timestamp.body`, several with spaces. The key is ' +
      'a secret of the tenant: what follows `whsec_` decoded from base64, any other as its bytes.',
  },
}
