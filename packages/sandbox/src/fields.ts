import { isDeepStrictEqual } from 'node:util'
import { isExactNumber } from './exact-json.ts'
import { refusal } from './refusal.ts'

/** A JSON object, with whatever fields it has. */
export type Fields = Record<string, unknown>

export const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactNumber(value)

/** The request's body as an object. Throws a 400 when it isn't one. */
export function objectBody(body: unknown): Fields {
  if (!isObject(body)) throw refusal(400, 'the body must be an object')
  return body
}

/** Names of the fields that differ, in their alphabetical order. */
export function changedFields(before: Fields, after: Fields): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].filter((name) => !isDeepStrictEqual(before[name], after[name])).sort()
}
