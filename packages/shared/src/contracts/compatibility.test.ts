import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { incompatibilities } from './compatibility.ts'
import { toJsonSchema } from './json-schema.ts'

const base = {
  id: z.string(),
  kind: z.enum(['a', 'b']),
  note: z.string().nullable(),
  hint: z.enum(['x', 'y']).nullable(),
  size: z.int(),
  tags: z.array(z.string()),
  raw: z.record(z.string(), z.unknown()),
  inner: z.object({ a: z.string(), b: z.string().optional() }),
}
const { id: _id, hint: _hint, ...withoutId } = base

const change = (fields: z.ZodRawShape) =>
  incompatibilities(toJsonSchema(z.object(base)), toJsonSchema(z.object(fields)))

describe('a change that reads what was written before', () => {
  it.each<[string, z.ZodRawShape]>([
    ['nothing changed', base],
    ['an optional field is added', { ...base, more: z.string().optional() }],
    ['a field with a default is added', { ...base, more: z.boolean().default(false) }],
    ['an optional field is added inside', { ...base, inner: base.inner.extend({ c: z.int().optional() }) }],
    ['a field becomes optional', { ...base, id: z.string().optional() }],
    ['a field becomes nullable', { ...base, id: z.string().nullable() }],
    ['one of a few values becomes any text', { ...base, kind: z.string() }],
    ['a value is added', { ...base, kind: z.enum(['a', 'b', 'c']) }],
    ['a value is added to a nullable one', { ...base, hint: z.enum(['x', 'y', 'z']).nullable() }],
    ['a whole number becomes any number', { ...base, size: z.number() }],
    ['elements become nullable', { ...base, tags: z.array(z.string().nullable()) }],
    ['anything goes', { ...base, id: z.unknown() }],
  ])('%s', (_name, fields) => {
    expect(change(fields)).toEqual([])
  })
})

describe('a change that fails on what was written before', () => {
  it.each<[string, z.ZodRawShape, string]>([
    ['a required field is added', { ...base, more: z.string() }, 'more: becomes required'],
    ['a field is removed', { ...withoutId, hint: base.hint }, 'id: is removed, and no other fields are allowed'],
    ['a field changes its type', { ...base, id: z.int() }, 'id: was string, becomes integer'],
    ['a field is no longer nullable', { ...base, note: z.string() }, 'note: was null, becomes string'],
    ['a value is removed', { ...base, kind: z.enum(['a']) }, 'kind: b no longer allowed'],
    ['a value of a nullable is removed', { ...base, hint: z.enum(['x']).nullable() }, 'hint: y no longer allowed'],
    ['any text becomes one of a few', { ...base, id: z.enum(['a']) }, 'id: becomes one of a few values'],
    ['a number becomes a whole one', { ...base, size: z.int().min(0) }, 'size: the range becomes smaller'],
    ['elements change', { ...base, tags: z.array(z.int()) }, 'tags[]: was string, becomes integer'],
    [
      'an optional field inside becomes required',
      { ...base, inner: z.object({ a: z.string(), b: z.string() }) },
      'inner.b: becomes required',
    ],
    ['an open object closes', { ...base, raw: z.object({}) }, 'raw: no longer takes other fields'],
    ['a pattern is added', { ...base, id: z.string().regex(/^x/) }, 'id: pattern changes'],
  ])('%s', (_name, fields, problem) => {
    expect(change(fields)).toEqual([problem])
  })
})

describe('a choice between kinds of records', () => {
  const parent = z.object({ type: z.literal('parent'), a: z.string() })
  const child = z.object({ type: z.literal('child'), b: z.string() })
  const both = toJsonSchema(z.discriminatedUnion('type', [parent, child]))

  it('may gain a kind, not lose one', () => {
    const aunt = z.object({ type: z.literal('aunt') })

    expect(incompatibilities(both, toJsonSchema(z.discriminatedUnion('type', [parent, child, aunt])))).toEqual([])
    expect(incompatibilities(both, toJsonSchema(parent))).not.toEqual([])
  })

  it('names what changed within a kind', () => {
    const changed = toJsonSchema(z.discriminatedUnion('type', [parent, child.extend({ c: z.string() })]))

    expect(incompatibilities(both, changed)).toEqual(['c: becomes required'])
  })
})
