import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { SyncError } from '../errors.ts'
import { aCall } from '../testing/builders.ts'
import { NOT_FOUND, readById, readJson, requireAnswer, statusAndWords } from './answer.ts'
import { failureKindOf } from './circuit-failure.ts'
import { createReader } from './reading.ts'
import type { HttpAnswer, Operation, TargetRequest } from './request.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const anAnswer = (status: number, text: string, headers: HttpAnswer['headers'] = JSON_TYPE): HttpAnswer => ({
  status,
  headers,
  text,
})
const aRequest = (operation: Operation): TargetRequest => ({
  target: 'omnium',
  operation,
  method: 'GET',
  baseUrl: '',
  path: '/',
  call: aCall(),
})
/** What becomes of an answer: the code of the error, or `expected`. */
const codeOf = (act: () => unknown): string => {
  try {
    act()
    return 'expected'
  } catch (error) {
    return (error as SyncError).code
  }
}
const required = (operation: Operation, answer: HttpAnswer, answers: readonly number[] = []) =>
  codeOf(() => requireAnswer(aRequest(operation), answer, answers, 0))

const PAGE = '<!doctype html><html><title>Maintenance</title></html>'
const HTML_TYPE = { 'content-type': 'text/html; charset=utf-8' }

describe('an HTML response', () => {
  it.each([
    ['an HTML text', PAGE, HTML_TYPE],
    ['HTML text with another type', `\n${PAGE}`, { 'content-type': 'text/plain' }],
    ['HTML text without a type', PAGE, {}],
    ['HTML text with a JSON type', PAGE, JSON_TYPE],
    ['HTML after a byte order mark', `\uFEFF${PAGE}`, {}],
    ['a text with an HTML type', 'Please log in', { 'content-type': 'Text/HTML' }],
    ['HTML after a line of text', `Access denied\n${PAGE}`, { 'content-type': 'text/plain' }],
    ['XML', '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', { 'content-type': 'application/xml' }],
  ])('is never an answer of the peer: %s', (_what, text, headers) => {
    for (const status of [200, 201, 302, 400, 403, 404, 409, 410, 500, 502, 503]) {
      const answers = [404, 409, 410]
      expect(required('get-customer', anAnswer(status, text, headers), answers)).toBe('html-response')
      expect(required('create-customer', anAnswer(status, text, headers), answers)).toBe('html-response')
      expect(required('search-customers', anAnswer(status, text, headers), answers)).toBe('html-response')
    }
  })

  it.each([
    ['JSON with an HTML type', '{"customerId":"1"}', HTML_TYPE],
    ['null with an HTML type', 'null', HTML_TYPE],
    ['nothing with an HTML type', ' \uFEFF\n', HTML_TYPE],
    ['JSON that quotes HTML', '{"note":"<html>"}', JSON_TYPE],
    ['a short text', 'OK', { 'content-type': 'text/plain' }],
  ])('is told by the body first: %s is none', (_what, text, headers) => {
    expect(required('get-customer', anAnswer(404, text, headers), NOT_FOUND)).toBe('expected')
  })

  it.each([
    [401, 'target-unauthorized'],
    [429, 'target-throttled'],
  ])('does not hide a %d, which says the same with any body', (status, code) => {
    expect(required('get-customer', anAnswer(status, PAGE, HTML_TYPE))).toBe(code)
  })

  it('leaves the end of a write unknown only where a gateway lost it', () => {
    const unknownEnd = (status: number) => {
      try {
        requireAnswer(aRequest('update-customer'), anAnswer(status, PAGE), [], 0)
      } catch (error) {
        return (error as SyncError).unknownEnd
      }
    }
    expect([200, 404, 502, 504].map(unknownEnd)).toEqual([false, false, true, true])
  })
})

describe('a status', () => {
  it.each<[Operation, number, string]>([
    ['get-customer', 404, 'expected'],
    ['get-order', 410, 'expected'],
    ['update-customer', 404, 'expected'],
    ['patch-customer', 410, 'expected'],
    ['delete-contact', 404, 'expected'],
    ['create-customer', 404, 'target-failed'],
    ['create-customer', 410, 'target-failed'],
    ['search-customers', 404, 'target-failed'],
    ['search-orders', 404, 'target-failed'],
    ['list-customers', 410, 'target-failed'],
    ['token', 404, 'target-failed'],
    ['search-customers', 403, 'role-missing'],
    ['search-orders', 403, 'role-missing'],
    ['list-customers', 403, 'role-missing'],
    ['get-customer', 403, 'target-unauthorized'],
    ['create-customer', 403, 'target-unauthorized'],
    ['update-customer', 409, 'version-conflict'],
    ['patch-customer', 409, 'version-conflict'],
    ['delete-contact', 409, 'version-conflict'],
    ['get-customer', 409, 'target-failed'],
    ['create-customer', 422, 'target-refused'],
  ])('of %s, %d: %s', (operation, status, expected) => {
    const onCollection = ['create-customer', 'search-customers', 'search-orders', 'list-customers', 'token']
    const answers = onCollection.includes(operation) ? [] : NOT_FOUND
    expect(required(operation, anAnswer(status, '{"message":"no"}'), answers)).toBe(expected)
  })
})

describe('an answer to a by-id read', () => {
  const Customer = z.looseObject({ customerId: z.string(), email: z.string().nullish() })
  const reading = createReader(Customer, { idField: 'customerId' })
  const read = (status: number, text: string, id = 'a1') =>
    readById(aRequest('get-customer'), anAnswer(status, text), id, reading)

  it.each([
    [404, '{"message":"no such customer"}'],
    [410, ''],
    [204, ''],
    [200, 'null'],
    [200, ' null\n'],
    [200, ''],
    [200, ' \r\n'],
    [200, '\uFEFF'],
  ])('is “not found”: %d %j', (status, text) => {
    expect(read(status, text)).toBeNull()
  })

  it('is the customer of the requested id', () => {
    expect(read(200, '{"customerId":"a1","shoeSize":43}')).toEqual({ customerId: 'a1', shoeSize: 43 })
  })

  it.each([
    ['another customer', '{"customerId":"b2"}', 'identity-mismatch'],
    ['an id in other case', '{"customerId":"A1"}', 'identity-mismatch'],
    ['a customer without an id', '{"email":"kari@example.com"}', 'target-answer-invalid'],
    ['a customer whose id is no text', '{"customerId":{"x":1}}', 'target-answer-invalid'],
    ['broken JSON of a customer', '{"customerId":"a1","email":"kari@exa', 'target-answer-invalid'],
    ['JSON of another service', '{"message":"route not found"}', 'target-failed'],
    ['an empty object', '{}', 'target-failed'],
    ['a list', '[{"customerId":"a1"}]', 'target-failed'],
    ['a JSON text', '"kari@example.com"', 'target-failed'],
    ['a text', 'service unavailable', 'target-failed'],
  ])('is a failure: %s', (_what, text, code) => {
    const error = (() => {
      try {
        return read(200, text)
      } catch (caught) {
        return caught as SyncError
      }
    })()

    expect(error).toMatchObject({ code, status: 200 })
    expect(`${(error as SyncError).stack}`).not.toContain('kari')
    // What is wrong with one customer says nothing about the target.
    expect(failureKindOf(error)).toBe(code === 'target-failed' ? 'doubtful' : 'neutral')
  })

  it('may leave the id out where the documents do not name the field', () => {
    const request = aRequest('get-order')
    const Order = z.looseObject({ orderUid: z.string().nullish(), customerUid: z.string().nullish() })
    const optional = createReader(Order, { idField: 'orderUid', isIdRequired: false })

    expect(readById(request, anAnswer(200, '{"customerUid":"1"}'), 'o1', optional)).toEqual({ customerUid: '1' })
    expect(codeOf(() => readById(request, anAnswer(200, '{"orderUid":"o2"}'), 'o1', optional))).toBe(
      'identity-mismatch',
    )
  })
})

it('a list that cannot be read is the target’s failure', () => {
  const read = (text: string) => () =>
    readJson(aRequest('search-customers'), anAnswer(200, text), z.object({ a: z.int() }))

  expect([codeOf(read('{"a":1}')), codeOf(read('{"a":"x"}')), codeOf(read('nothing'))]).toEqual([
    'expected',
    'target-failed',
    'target-failed',
  ])
})

it.each([
  [409, '{"code":"DUPLICATE_EMAIL"}', '409 Conflict (duplicate email)'],
  [409, '{"message":"a customer with this uid exists"}', '409 Conflict (… customer … uid exists)'],
  [409, '{"detail":"kari@example.com is taken by Ola Nordmann, +47 900 00 000"}', '409 Conflict (… is taken …)'],
  [400, '{"title":"Kari Nordmann","code":"KARI"}', '400 Bad Request'],
  [400, '{"errors":{"email":["kari@example.com is taken"],"kari@example.com":[]}}', '400 Bad Request (email)'],
  [
    400,
    '{"errors":[{"field":"customerUid","message":"Kari must be unique"}]}',
    '400 Bad Request (… must … unique; customer uid)',
  ],
  [422, '{"error":{"code":"InvalidPhone","message":"90000000"}}', '422 Unprocessable Entity (invalid phone)'],
  [409, 'taken: kari@example.com', '409 Conflict'],
  [409, '', '409 Conflict'],
])('the words of a refusal are its status and words of a closed list: %d %s', (status, text, expected) => {
  expect(statusAndWords(anAnswer(status, text))).toBe(expected)
})
