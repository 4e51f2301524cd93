import { describe, expect, it } from 'vitest'
import type { SyncError } from '../errors.ts'
import { aCall } from '../testing/builders.ts'
import { failureKindOf } from './circuit-failure.ts'
import type { TargetRequest } from './request.ts'
import { readUpdate, readWrite } from './write-answer.ts'

const request: TargetRequest = {
  target: 'omnium',
  operation: 'update-customer',
  method: 'POST',
  baseUrl: '',
  path: '/',
  call: aCall(),
}
const read = (status: number, body: unknown) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return readWrite(request, { status, headers: {}, text }, 'customerId')
}
const failure = (act: () => unknown): SyncError => {
  try {
    act()
  } catch (error) {
    return error as SyncError
  }
  throw new Error('expected a failure')
}

describe('the answer to a write', () => {
  it.each([
    { errorCount: 1, errorMessage: 'kari@example.com is no email' },
    { errorCount: '1' },
    { ErrorCount: 2, notFoundCount: 1 },
    { success: false, message: 'kari@example.com' },
    { success: 'False' },
    { result: { errorCount: 1 } },
    [{ errorCount: 0 }, { errorCount: 1 }],
  ])('is a refusal, without the text of the peer: %j', (body) => {
    const error = failure(() => read(200, body))

    expect(error).toMatchObject({ code: 'target-refused', status: 200, unknownEnd: false })
    expect(error.message).toMatch(/^updating a customer in omnium: 200 OK with (errorCount [12]|success false)$/)
    expect(failureKindOf(error)).toBe('answer')
  })

  it.each([
    [201, { customerId: 'a1', errorCount: 0, success: true }, 'a1'],
    [200, { customerId: 17 }, '17'],
    [200, { result: { customerId: 'b2' } }, 'b2'],
    [200, { customer: { customerId: 'c3' } }, 'c3'],
    [200, { unchangedCount: 1, errorCount: null, success: null }, null],
    [200, 'OK', null],
    [200, ' ', null],
    [204, '', null],
    [200, 'null', null],
  ])('is a success, and names the id if there is one: %d %j', (status, body, id) => {
    expect(read(status, body)).toEqual({ isFound: true, id })
  })

  it.each([
    [404, {}],
    [410, ''],
    [200, { notFoundCount: 1, updatedCount: 0 }],
    [200, { notFoundCount: '1' }],
  ])('is “not found”: %d %j', (status, body) => {
    expect(read(status, body).isFound).toBe(false)
  })

  it('proves nothing as broken JSON', () => {
    expect(failure(() => read(200, '{"errorCount": 1'))).toMatchObject({ code: 'target-failed' })
  })

  it.each([
    ['a1', 'updated'],
    ['A1', 'identity-mismatch'],
    ['b2', 'identity-mismatch'],
  ])('to an update of a1 is about %s: %s', (customerId, expected) => {
    const answer = { status: 200, headers: {}, text: JSON.stringify({ customerId }) }
    const act = () => readUpdate(request, answer, 'customerId', 'a1')

    expect(expected === 'updated' ? act() : failure(act).code).toBe(expected)
  })
})
