import type { z } from 'zod'
import { isRawNumber, scalarText } from '../exact-json.ts'
import { idOf } from './event-fields.ts'

/**
 * Reads what a peer says of one customer or order, each field separately (design/4-peers.md, "Reading fields"):
 *
 * | in the answer | as it is read |
 * |---|---|
 * | a scalar where a text belongs | the text of the scalar |
 * | `null`, `""`, `-` where a text belongs | null: empty |
 * | a field that is absent, or can't be read | left out: no statement |
 * | a list that is null, or has an element that can't be read or has no identity | left out: no statement |
 * | a field that the schema does not name | as it is |
 */
export interface Reader<T> {
  readonly idField: string
  /** The fields that the schema names. */
  readonly fields: readonly string[]
  readonly isIdRequired: boolean
  readonly defaults: Readonly<Record<string, string>>
  /** null for what is no object, and for an id that can't be read. */
  read(raw: unknown): T | null
}

export interface ReaderOptions {
  readonly idField: string
  /** False where the peer's documents do not name the id among the fields. */
  readonly isIdRequired?: boolean
  /**
   * The fields by which an element of a list, or an object, is told from others. An element can't be read if one of them can't;
   * an object can't be read without them.
   */
  readonly identifying?: Readonly<Record<string, readonly string[]>>
  /**
   * Lists whose elements all have an identity at this peer. An element with an absent or empty identifying field can't be matched with
   * any other element, so it can't be read.
   */
  readonly identified?: readonly string[]
  /** What stands for a text that the answer does not hold, or that can't be read. */
  readonly defaults?: Readonly<Record<string, string>>
  /** Lists whose elements are looked up by name and never removed: an element that can't be read is left out alone. */
  readonly lookedUp?: readonly string[]
}

const RAW = Symbol('as answered')
const UNREADABLE = Symbol('unreadable')

/** The customer, order or list element exactly as the peer answered it. */
export const rawOf = (read: object): Record<string, unknown> =>
  ((read as { [RAW]?: Record<string, unknown> })[RAW] ?? read) as Record<string, unknown>

/**
 * Names of the fields and lists that could not be read, and of lists that were null: `email`, `address.city`, `contacts`,
 * `contacts.email`.
 */
export const unreadableOf = (read: object): readonly string[] =>
  (read as { [UNREADABLE]?: readonly string[] })[UNREADABLE] ?? []

/** Whether nothing can be said of a field, because it, or the object that it is in, could not be read. */
export function isUnreadable(read: object, field: string): boolean {
  const unreadable = unreadableOf(read)
  return unreadable.includes(field) || unreadable.includes(field.split('.')[0] ?? '')
}

/** Whether a list holds something that can't be read, so that the list must not be written. A list that is null holds nothing. */
export const holdsUnreadable = (read: object, list: string): boolean =>
  unreadableOf(read).includes(list) && rawOf(read)[list] !== null

/**
 * Names of the fields and lists that hold a value that could not be read. A write must not send them back, because that value would
 * be a statement then. A list that is null holds no such value.
 */
export const unsendableOf = (read: object): readonly string[] => {
  const named = new Set(unreadableOf(read).map((name) => name.split('.')[0] ?? ''))
  return [...named].filter((field) => holdsUnreadable(read, field) || holdsUnsendable(read, field))
}

/** The object as the peer answered it, without the fields and lists that `unsendableOf` names. */
export function sendableOf(read: object): Record<string, unknown> {
  const unsendable = unsendableOf(read)
  return Object.fromEntries(Object.entries(rawOf(read)).filter(([field]) => !unsendable.includes(field)))
}

/** Whether an object, or an element of a list, holds a value that could not be read. */
function holdsUnsendable(read: object, field: string): boolean {
  const value = (read as Record<string, unknown>)[field]
  const parts: readonly unknown[] = Array.isArray(value) ? value : [value]
  return parts.some((part) => typeof part === 'object' && part !== null && unsendableOf(part).length > 0)
}

/** A reader by a zod schema of texts, objects and lists. */
export function createReader<S extends z.ZodObject>(schema: S, options: ReaderOptions): Reader<z.infer<S>> {
  const { idField, isIdRequired = true, defaults = {} } = options
  const shape = shapeOf(schema, options)
  return {
    idField,
    isIdRequired,
    defaults,
    fields: Object.keys(schema.shape),
    read(raw) {
      if (!isObject(raw)) return null
      const id = idOf(raw[idField])
      if (id === null && isIdRequired) return null
      const read = readObject(raw, shape)
      const missing = Object.entries(defaults).filter(([field]) => typeof read[field] !== 'string')
      // An id is never empty: `-` is one like any other.
      const given = { ...Object.fromEntries(missing), ...(id !== null && read[idField] !== id && { [idField]: id }) }
      const isComplete = Object.keys(given).length === 0
      return (isComplete ? read : marked({ ...read, ...given }, raw, unreadableOf(read))) as z.infer<S>
    },
  }
}

type Shape = ReadonlyMap<string, FieldShape>
type FieldShape =
  /** `accepts` is null for a field that takes any text. */
  | { readonly type: 'text'; readonly accepts: ((text: string) => boolean) | null }
  | { readonly type: 'object'; readonly shape: Shape; readonly identifying: readonly string[] }
  | {
      readonly type: 'list'
      readonly element: FieldShape
      readonly identifying: readonly string[]
      readonly isIdentified: boolean
      readonly isLookedUp: boolean
    }

function shapeOf(schema: z.ZodObject, options: ReaderOptions): Shape {
  const shape = new Map<string, FieldShape>()
  for (const [field, type] of Object.entries(schema.shape)) {
    const fieldShape = fieldShapeOf(field, type as z.ZodType, options)
    if (fieldShape !== null) shape.set(field, fieldShape)
  }
  return shape
}

/** null for a field of any type, which is left as it is. */
function fieldShapeOf(field: string, type: z.ZodType, options: ReaderOptions): FieldShape | null {
  const { def } = type as unknown as {
    def: { type: string; innerType?: z.ZodType; element?: z.ZodType; checks?: readonly unknown[] }
  }
  if (def.innerType !== undefined) return fieldShapeOf(field, def.innerType, options)
  if (def.type === 'unknown') return null
  const identifying = options.identifying?.[field] ?? []
  if (def.type === 'object') return { type: 'object', shape: shapeOf(type as z.ZodObject, options), identifying }
  if (def.element === undefined) {
    return { type: 'text', accepts: def.checks === undefined ? null : (text) => type.safeParse(text).success }
  }
  return {
    type: 'list',
    element: fieldShapeOf('', def.element, options) ?? { type: 'text', accepts: null },
    identifying,
    isIdentified: options.identified?.includes(field) ?? false,
    isLookedUp: options.lookedUp?.includes(field) ?? false,
  }
}

/** `unreadable` names what in it could not be read; undefined stands for a value that makes no statement. */
interface Read {
  readonly value: unknown
  readonly unreadable: readonly string[]
}
const NO_STATEMENT: Read = { value: undefined, unreadable: [''] }

function readField(raw: unknown, shape: FieldShape): Read {
  if (shape.type === 'list') return readList(raw, shape)
  if (raw === null) return { value: null, unreadable: [] }
  if (shape.type === 'text') {
    const text = scalarText(raw)
    if (text === undefined) return NO_STATEMENT
    if (isEmpty(text)) return { value: null, unreadable: [] }
    return shape.accepts?.(text) === false ? NO_STATEMENT : { value: text, unreadable: [] }
  }
  if (!isObject(raw)) return NO_STATEMENT
  const value = readObject(raw, shape.shape)
  if (shape.identifying.some((field) => value[field] === undefined)) return NO_STATEMENT
  return { value, unreadable: unreadableOf(value) }
}

const isEmpty = (text: string): boolean => ['', '-'].includes(text.trim())

function readList(raw: unknown, shape: FieldShape & { type: 'list' }): Read {
  if (!Array.isArray(raw)) return NO_STATEMENT
  const { element, identifying, isIdentified, isLookedUp } = shape
  const elements = raw.map((item): Read => {
    if (element.type === 'text') return { value: scalarText(item), unreadable: [] }
    const read = item === null ? NO_STATEMENT : readField(item, element)
    const isLost = (field: string) => read.unreadable.includes(field) || (isIdentified && !isFilled(read.value, field))
    return identifying.some(isLost) ? NO_STATEMENT : read
  })
  const isWhole = elements.every(({ value }) => value !== undefined)
  if (!isWhole && !isLookedUp) return NO_STATEMENT
  const readable = elements.filter(({ value }) => value !== undefined)
  const value = readable.map((read) => read.value)
  const isAsAnswered = isWhole && value.every((item, index) => item === raw[index])
  const unreadable = readable.flatMap((read) => read.unreadable)
  return { value: isAsAnswered ? raw : value, unreadable: isWhole ? unreadable : ['', ...unreadable] }
}

const isFilled = (read: unknown, field: string): boolean => isObject(read) && typeof read[field] === 'string'

/** The object itself where nothing is read differently from what was answered. */
function readObject(raw: Record<string, unknown>, shape: Shape): Record<string, unknown> {
  const value = { ...raw }
  const unreadable = new Set<string>()
  let isAsAnswered = true
  for (const [field, fieldShape] of shape) {
    if (raw[field] === undefined) continue
    const read = readField(raw[field], fieldShape)
    if (read.value === undefined) delete value[field]
    else value[field] = read.value
    isAsAnswered &&= read.value === raw[field] && read.unreadable.length === 0
    for (const name of read.unreadable) unreadable.add(name === '' ? field : `${field}.${name}`)
  }
  return isAsAnswered ? raw : marked(value, raw, [...unreadable])
}

/** By symbols: they go along with a spread, and no JSON shows them. */
const marked = (value: Record<string, unknown>, raw: object, unreadable: readonly string[]) =>
  Object.assign(value, { [RAW]: raw, [UNREADABLE]: unreadable })

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawNumber(value)
