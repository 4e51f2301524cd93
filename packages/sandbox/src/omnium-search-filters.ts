import { type Fields, isObject } from './fields.ts'
import { refusal } from './refusal.ts'

type Matches = (row: Fields) => boolean

/** A search takes no more ids at once. */
const MAX_IDS = 100

/** Which rows the filters of a search match, all of them together. Throws a 400 for a filter that makes no sense. */
export function queryFilter(query: Fields): Matches {
  const filters = Object.entries(FILTERS).flatMap(([name, filter]) => {
    const value = query[name]
    return value === undefined || value === null || value === '' ? [] : filter(name, value)
  })
  return (row) => filters.every((matches) => matches(row))
}

type Filter = (name: string, value: unknown) => Matches | []

/** One of the row's fields is this text, whatever its case. */
const text =
  (...fields: readonly string[]): Filter =>
  (name, value) => {
    if (typeof value !== 'string') throw refusal(400, `${name} must be a string`)
    const wanted = value.toLowerCase()
    return (row) => fields.some((field) => typeof row[field] === 'string' && row[field].toLowerCase() === wanted)
  }

/** The row's field is one of these texts, or holds one of them in its list. An empty list filters nothing. */
const oneOf =
  (field: string, textOf: (element: unknown) => unknown = (element) => element): Filter =>
  (name, value) => {
    const wanted = textList(name, value)
    if (wanted.length === 0) return []
    return (row) => {
      const found: unknown[] = Array.isArray(row[field]) ? row[field] : [row[field]]
      return found.some((element) => wanted.includes(textOf(element) as string))
    }
  }

const ids: Filter = (name, value) => {
  if (textList(name, value).length > MAX_IDS) throw refusal(400, `${name} must not hold more than ${MAX_IDS}`)
  return oneOf('customerId')(name, value)
}

/** The row has each of these properties: the key, and the value where the filter has one. */
const properties: Filter = (name, value) => {
  if (!Array.isArray(value) || !value.every(isObject)) throw refusal(400, `${name} must be a list of objects`)
  const wanted = value.map((property) => Object.entries(property).filter(([, it]) => it !== null && it !== undefined))
  return (row) => {
    const stored = Array.isArray(row.properties) ? row.properties.filter(isObject) : []
    return wanted.every((parts) => stored.some((property) => parts.every(([key, it]) => property[key] === it)))
  }
}

const not =
  (filter: Filter): Filter =>
  (name, value) => {
    const matches = filter(name, value)
    return typeof matches === 'function' ? (row) => !matches(row) : []
  }

const FILTERS: Readonly<Record<string, Filter>> = {
  customerId: text('customerId'),
  customerIds: ids,
  customerNumber: text('customerNumber'),
  customerNumbers: oneOf('customerNumber'),
  email: text('email', 'customerEmail'),
  phone: text('phone', 'customerPhone'),
  taxId: text('taxId'),
  externalIds: oneOf('externalIds', (element) => (isObject(element) ? element.id : element)),
  properties,
  property: (name, value) => properties(name, [value]),
  tags: oneOf('tags'),
  excludedTags: not(oneOf('tags')),
  storeIds: oneOf('storeIds'),
  marketIds: oneOf('marketId'),
  marketGroupIds: oneOf('marketGroupId'),
  selectedStores: oneOf('storeId'),
  selectedMarkets: oneOf('marketId'),
  selectedStatuses: oneOf('status'),
}

function textList(name: string, value: unknown): readonly string[] {
  if (!Array.isArray(value) || !value.every((element) => typeof element === 'string')) {
    throw refusal(400, `${name} must be a list of strings`)
  }
  return value
}
