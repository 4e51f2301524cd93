import { isExactNumber, parseExact } from './exact-json.ts'
import type { FaultRule } from './fault-rule.ts'
import { type Fields, isObject } from './fields.ts'
import type { Answer } from './made-answers.ts'
import type { RequestAbout, ResourceKind } from './request-about.ts'

/** All that a tenant has of a kind. */
export type RowsOf = (of: ResourceKind) => readonly Fields[]

/** The JSON of an answer; undefined if the answer holds none. */
export function jsonOf({ body }: Answer): unknown {
  try {
    return parseExact(body)
  } catch {
    return undefined
  }
}

/** The name of the field that holds the id of a customer, a contact or an order of either peer. */
function idFieldOf(row: Fields): string | undefined {
  return ['orderUid', 'customerContactUid', 'customerUid', 'customerId', 'id'].find((name) => {
    // An order of Omnium names its customer too.
    if (name === 'customerId' && typeof row.id === 'string') return false
    return typeof row[name] === 'string'
  })
}

const idOf = (row: Fields): unknown => {
  const name = idFieldOf(row)
  return name === undefined ? undefined : row[name]
}

/** Whether the answer is about one customer or order. */
export function namesItsId(json: unknown): json is Fields {
  return isObject(json) && idFieldOf(json) !== undefined
}

/** An answer about another id: see the fields of `FaultRule`. */
export function withOtherId(rule: FaultRule, json: Fields, about: RequestAbout, rowsOf: RowsOf): Fields {
  const name = idFieldOf(json)!
  const id = String(json[name])
  if (rule.idCase !== undefined) return { ...json, [name]: inCase(rule.idCase, id) }
  const rows = about.of === null ? [] : rowsOf(about.of)
  if (rule.answerId !== undefined) {
    return rows.find((row) => idOf(row) === rule.answerId) ?? { ...json, [name]: rule.answerId }
  }
  const another = about.class === 'create' ? undefined : rows.find((row) => idOf(row) !== id)
  return another ?? { ...json, [name]: `${id}-other` }
}

function inCase(idCase: NonNullable<FaultRule['idCase']>, id: string): string {
  if (idCase === 'upper') return id.toUpperCase()
  if (idCase === 'lower') return id.toLowerCase()
  return [...id].map((char) => (char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase())).join('')
}

/** The customers or orders of an answer that an `answer-fields` is about: the one of a by-id read, or those of a list. */
export function rowsConcerned({ customerId }: FaultRule, json: unknown): readonly Fields[] {
  if (!isObject(json)) return []
  const list = json.items ?? json.result
  const rows = Array.isArray(list) ? list.filter(isObject) : [json]
  if (customerId === undefined) return rows
  return rows.filter((row) => [row.customerUid, row.customerId, idOf(row)].includes(customerId))
}

/** Changes the row itself. */
export function layFields({ set = {}, remove = [] }: FaultRule, row: Fields): void {
  for (const [path, value] of Object.entries(set)) {
    const [parent, name] = parentOf(row, path.split('.'), true)
    if (parent) parent[name] = value
  }
  for (const path of remove) {
    const [parent, name] = parentOf(row, path.split('.'), false)
    if (Array.isArray(parent)) parent.splice(Number(name), 1)
    else if (parent) delete parent[name]
  }
}

/** Where a path ends. `makes`: what is not on the way yet is made, a list for a number. */
function parentOf(row: Fields, names: readonly string[], makes: boolean): [Fields | null, string] {
  let parent: Fields = row
  for (const [index, name] of names.slice(0, -1).entries()) {
    const next = parent[name]
    if (typeof next === 'object' && next !== null && !isExactNumber(next)) parent = next as Fields
    else if (makes) {
      const made = (/^\d+$/.test(names[index + 1]!) ? [] : {}) as Fields
      parent[name] = made
      parent = made
    } else return [null, name]
  }
  return [parent, names.at(-1)!]
}
