import { STATUS_CODES } from 'node:http'
import { RETRY_AFTER_S, STATUS_OF, type WebhookAnswer } from '@sync/shared/http/problem'
import { MAX_BODY_BYTES } from '@sync/shared/http/server'
import { z } from 'zod'
import type { Json } from './yaml.ts'

/** RFC 9457. */
export const Problem = z
  .object({
    type: z.literal('about:blank'),
    title: z.string().describe('The words of the status.'),
    status: z.int().describe('The status.'),
    detail: z.string().describe('What is wrong, in words that hold nothing of the request.'),
  })
  .describe('Why a request was not accepted (RFC 9457).')

/** An answer as its sender sees it. */
export interface Told {
  readonly answer: WebhookAnswer
  /** The problem's; null: the answer has no body. */
  readonly detail: string | null
  readonly summary: string
}

/** What the servers of both sources answer. */
const COMMON: Readonly<Record<string, Told>> = {
  stored: { answer: 'stored', detail: null, summary: 'Kafka has acknowledged it' },
  ignored: { answer: 'ignored', detail: null, summary: 'Nothing that is followed here' },
  noJson: { answer: 'not-an-event', detail: 'the body is not JSON in UTF-8', summary: 'Not JSON, or empty' },
  noObject: { answer: 'not-an-event', detail: 'the body is not an object', summary: 'JSON, but not an object' },
  unauthorized: {
    answer: 'unauthorized',
    detail: 'no valid secret or signature',
    summary: 'None of the ways to authenticate succeeds',
  },
  unknownTenant: { answer: 'unknown-tenant', detail: 'no such tenant', summary: 'There is no such tenant' },
  unknownRoute: { answer: 'unknown-route', detail: 'no such address', summary: 'Another path or method' },
  tooLarge: { answer: 'too-large', detail: `more than ${MAX_BODY_BYTES} bytes`, summary: 'Too large' },
  overloaded: { answer: 'overloaded', detail: 'too many requests under way', summary: 'Too many requests at once' },
  stopping: { answer: 'stopping', detail: 'this server is stopping', summary: 'Another instance will take it' },
  unavailable: {
    answer: 'unavailable',
    detail: 'the event could not be stored now',
    summary: 'Kafka or the schema registry is away',
  },
  notWhole: { answer: 'unavailable', detail: 'the body did not arrive whole', summary: 'The body broke off' },
}

const FLOW_REFUSALS: Readonly<Record<string, Told>> = {
  noAction: { answer: 'not-an-event', detail: 'action is missing', summary: 'No action' },
  noCustomer: {
    answer: 'not-an-event',
    detail: 'customer.Uid is missing or is not an id',
    summary: 'A CUSTOMER_ action without a customer',
  },
  noOrder: {
    answer: 'not-an-event',
    detail: 'order.Uid is missing or is not an id',
    summary: 'An ORDER_ action without an order',
  },
}

const OMNIUM_REFUSALS: Readonly<Record<string, Told>> = {
  noClass: { answer: 'not-an-event', detail: 'className is missing', summary: 'No class' },
  noObjectId: {
    answer: 'not-an-event',
    detail: 'objectId is missing or is not an id',
    summary: 'A customer or an order without its id',
  },
}

/** Every way in which the server of a source answers, by name; a test provokes each and compares. */
export const answersOf = (source: 'flow' | 'omnium'): Readonly<Record<string, Told>> => ({
  ...COMMON,
  ...(source === 'flow' ? FLOW_REFUSALS : OMNIUM_REFUSALS),
})

const STATUSES: Readonly<Record<string, { readonly description: string; readonly headers?: Json }>> = {
  202: {
    description:
      'Accepted. The event is on its topic, acknowledged by all in-sync replicas, or is nothing that is followed here. ' +
      'No body.',
  },
  400: {
    description: 'Not an event, which no retry would cure. (Without a body, when the request itself is not HTTP.)',
  },
  401: {
    description: "No secret or signature of the tenant's. Secrets may be rotated, so several count at once.",
    headers: { 'WWW-Authenticate': { required: true, schema: { type: 'string', const: 'Bearer' } } },
  },
  404: { description: 'No such tenant, or no such address.' },
  413: { description: `A body of more than ${MAX_BODY_BYTES} bytes.` },
  // These two are Node's own, before any of our code has seen the request.
  417: { description: 'An `Expect` header other than `100-continue`. No body.' },
  431: { description: 'More than 16 KiB of headers. No body.' },
  503: {
    description:
      'The event could not be stored: send it again. Whatever a retry may cure is answered so, and nothing is answered ' +
      '429. (Without a body, when the request did not arrive whole within ten seconds.)',
    headers: {
      'Retry-After': {
        description: 'Seconds to wait.',
        required: true,
        schema: { type: 'integer', const: RETRY_AFTER_S },
      },
    },
  },
}

const problems = (status: string, told: Readonly<Record<string, Told>>): Json => ({
  'application/problem+json': {
    schema: { $ref: '#/components/schemas/Problem' },
    examples: Object.fromEntries(
      Object.entries(told).map(([name, { detail, summary }]) => [
        name,
        { summary, value: { type: 'about:blank', title: STATUS_CODES[status], status: Number(status), detail } },
      ]),
    ),
  },
})

function responseOf(status: string, told: Readonly<Record<string, Told>>): Json {
  const own = Object.entries(told).filter(
    ([, { answer, detail }]) => detail !== null && STATUS_OF[answer] === Number(status),
  )
  return { ...STATUSES[status], ...(own.length > 0 && { content: problems(status, Object.fromEntries(own)) }) }
}

/** What isn't an event is for each source to say. */
const isCommon = (status: string) => status !== '400'
const nameOf = (status: string) => (STATUS_CODES[status] ?? status).replaceAll(' ', '')

/** The answers that are the same for both sources. */
export const RESPONSES: Json = Object.fromEntries(
  Object.keys(STATUSES)
    .filter(isCommon)
    .map((status) => [nameOf(status), responseOf(status, COMMON)]),
)

/** The answers of the server of a source, by status. */
export const responsesOf = (source: 'flow' | 'omnium'): Json =>
  Object.fromEntries(
    Object.keys(STATUSES).map((status) => [
      status,
      isCommon(status) ? { $ref: `#/components/responses/${nameOf(status)}` } : responseOf(status, answersOf(source)),
    ]),
  )
