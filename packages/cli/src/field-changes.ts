import { isDeepStrictEqual } from 'node:util'

export interface FieldChange {
  /** The target's name for it, such as `firstName`, `address.city` or `properties.Parent company`. */
  readonly field: string
  readonly before: unknown
  readonly after: unknown
}

type Body = Readonly<Record<string, unknown>>

/** What we write besides: it follows from the rest. */
const BOOKKEEPING = new Set(['created', 'modified', 'modifiedBy', 'fullName', 'lastModifiedAt', 'lastModifiedBy'])
const OUR_PROPERTY = /(Uid|LastModifiedAt|ElementIds|ParentVersion)$/

/** The fields in which two states of a record differ; an empty one is as good as an absent one. */
export function fieldChanges(before: Body | null, after: Body): FieldChange[] {
  const [old, now] = [flat(before ?? {}), flat(after)]
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((field) => !BOOKKEEPING.has(field) && !(field.startsWith('properties.') && OUR_PROPERTY.test(field)))
    .map((field) => ({ field, before: old.get(field) ?? null, after: now.get(field) ?? null }))
    .filter(({ before: a, after: b }) => !(isEmpty(a) && isEmpty(b)) && !isDeepStrictEqual(a, b))
}

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0)

function flat(body: Body): Map<string, unknown> {
  const fields = new Map<string, unknown>()
  for (const [name, value] of Object.entries(body)) {
    if (name === 'properties' && Array.isArray(value)) {
      for (const { key, value: text } of value as { key: string; value?: unknown }[])
        fields.set(`properties.${key}`, text)
    } else if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      for (const [inner, one] of Object.entries(value)) fields.set(`${name}.${inner}`, one)
    } else fields.set(name, value)
  }
  return fields
}
