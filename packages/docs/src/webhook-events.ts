import type { WebhookAnswer } from '@sync/shared/http/problem'
import type { Json } from './yaml.ts'

/** A body that is accepted, made up, and what it comes to. */
export interface EventExample {
  readonly summary: string
  readonly value: Json
  readonly answer: Extract<WebhookAnswer, 'stored' | 'ignored'>
}

/** What one of the webhooks takes. */
export interface EventKind {
  /** Its name among the document's schemas. */
  readonly name: string
  readonly schema: Json
  readonly examples: Readonly<Record<string, EventExample>>
}

/** As `idOf` reads it: text with a UTF-8 form, unchanged, or a number that JSON has kept. */
export const ID: Json = {
  description:
    'An id, opaque: taken as it is. Numbers are read as text, and must be such that JSON keeps them exactly.',
  anyOf: [
    { type: 'string', pattern: '^[^\\uD800-\\uDFFF]+$' },
    { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
  ],
  examples: ['1000', 1000],
}
const ID_REF: Json = { $ref: '#/components/schemas/Id' }
const WORD: Json = { type: 'string', minLength: 1 }

/**
 * An object's field by its documented name, whose first letter may come in either case, the documented one counting first:
 * as `fieldOf` reads it.
 */
const field = (name: string, schema: Json): Json => {
  const first = name.slice(0, 1)
  const other = (first === first.toUpperCase() ? first.toLowerCase() : first.toUpperCase()) + name.slice(1)
  return {
    if: { required: [name] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { properties: { [name]: schema } },
    else: { required: [other], properties: { [other]: schema } },
  }
}

const when = (condition: Json, consequence: Json): Json => ({
  if: condition,
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: consequence,
})

/** A pattern, since JSON Schema's have no flag for it. */
const inAnyCase = (word: string): string =>
  word.replace(/[a-z]/gi, (letter) => `[${letter.toUpperCase()}${letter.toLowerCase()}]`)

const startsWith = (word: string): Json => ({ type: 'string', pattern: `^${inAnyCase(word)}` })
const isOneOf = (words: readonly string[]): Json => ({
  type: 'string',
  pattern: `^(${words.map(inAnyCase).join('|')})$`,
})
const withUid: Json = { type: 'object', ...field('Uid', ID_REF) }

/** What `parseFlowWebhook` accepts, no more and no less. */
export const FLOW_EVENT: EventKind = {
  name: 'FlowEvent',
  schema: {
    type: 'object',
    description:
      "Flow's webhook: what happened to which object, without its data. The first letter of a name may come in either " +
      'case. What is not named here is not read. Actions that begin neither with CUSTOMER_ nor with ORDER_ are accepted ' +
      'and ignored, whatever else the event holds.',
    properties: {
      action: { ...WORD, description: 'What happened; compared in any case.', examples: ['CUSTOMER_UPDATE'] },
      customer: { description: 'Of a CUSTOMER_ action: an object with the `Uid` of the customer.' },
      order: { description: 'Of an ORDER_ action: an object with the `Uid` of the order.' },
      tenantUser: {
        description:
          'Who did it. Where its `Uid` or `Id` is the `flow.apiUser` of the tenant, the change is our own and ends there.',
      },
    },
    allOf: [
      field('action', WORD),
      when(field('action', startsWith('CUSTOMER_')), field('customer', withUid)),
      when(field('action', startsWith('ORDER_')), field('order', withUid)),
    ],
  },
  examples: {
    customer: {
      summary: 'A customer was changed',
      answer: 'stored',
      value: {
        action: 'CUSTOMER_UPDATE',
        tenant: { Id: 7, Uid: '7' },
        customer: { Id: 32, Uid: '1000' },
        tenantUser: { Id: 14, Uid: 'till-3' },
      },
    },
    order: {
      summary: 'An order was settled',
      answer: 'stored',
      value: { action: 'ORDER_SETTLED', tenant: { Id: 7, Uid: '7' }, order: { Id: 9, Uid: 'o-9' } },
    },
    other: {
      summary: 'Something else happened: accepted, and ignored',
      answer: 'ignored',
      value: { action: 'PRODUCT_UPDATE', tenant: { Id: 7, Uid: '7' }, product: { Id: 3, Uid: 'p-3' } },
    },
  },
}

/** In lower case, as the parser compares them. */
const OMNIUM_CLASSES = ['order', 'privatecustomer', 'businesscustomer', 'customer']

/** What `parseOmniumWebhook` accepts, no more and no less. */
export const OMNIUM_EVENT: EventKind = {
  name: 'OmniumEvent',
  schema: {
    type: 'object',
    description:
      "Omnium's event: what happened to which object, without its data. The first letter of a name may come in either " +
      'case. What is not named here is not read. Classes other than Order, PrivateCustomer, BusinessCustomer and ' +
      'Customer are accepted and ignored, whatever else the event holds.',
    properties: {
      className: { ...WORD, description: 'What it happened to; compared in any case.', examples: ['PrivateCustomer'] },
      objectId: { description: 'Its id.' },
      category: { description: 'What happened. Kept when it is text.', examples: ['Updated'] },
      user: {
        description:
          'Who did it. Where it is the `omnium.apiUser` of the tenant or one of its `omnium.apiUsers`, also as `name-guid`, the change is our own and ends there.',
      },
      userId: { description: 'The same, by id.' },
    },
    allOf: [field('className', WORD), when(field('className', isOneOf(OMNIUM_CLASSES)), field('objectId', ID_REF))],
  },
  examples: {
    order: {
      summary: 'An order was placed',
      answer: 'stored',
      value: {
        ...{ timestamp: '2026-03-01T09:00:00Z', message: 'Order created', className: 'Order', objectId: 'order-1' },
        ...{ category: 'Created', market: 'NOR', storeId: '12', user: 'web', userId: 'u-1', status: 'New' },
      },
    },
    customer: {
      summary: 'A private customer was changed',
      answer: 'stored',
      value: { className: 'PrivateCustomer', objectId: '1000', category: 'Updated', user: 'web', userId: 'u-1' },
    },
    other: {
      summary: 'Something else happened: accepted, and ignored',
      answer: 'ignored',
      value: { className: 'Product', objectId: 'p-3', category: 'Updated' },
    },
  },
}
