import { type Fields, isObject } from '../fields.ts'
import { columns, type Paint } from '../screen.ts'

/** A company's name, and its record in Omnium (undefined: not there) at two times. */
export interface Company {
  readonly name: string
  readonly before: Fields | undefined
  readonly after: Fields | undefined
}

/** How the companies' relations were and are, beside each other. */
export function relationView(companies: readonly Company[], paint: Paint): string[] {
  const rows = companies.flatMap(({ name, before, after }) => {
    const [was, is] = [relationLines(before), relationLines(after)]
    return Array.from({ length: Math.max(was.length, is.length) }, (_, i) => [
      i === 0 ? name : '',
      was[i] ?? '',
      is[i] ?? '',
    ])
  })
  const [head = '', ...lines] = columns([['in Omnium', 'before', 'after'], ...rows])
  return [paint('dim', head), ...lines]
}

/** What a record says of its place among the companies; a dash when nothing. */
export function relationLines(row: Fields | undefined): string[] {
  if (row === undefined) return ['not there']
  const entries = listOf(row.customerRelations)
  const idsOf = (type: string) => entries.filter((entry) => entry.relationType === type).map((it) => it.customerId)
  const property = listOf(row.properties).find(({ key }) => key === 'Parent company')
  const lines = ['Parent', 'SubDepartment'].flatMap((type) => {
    const ids = idsOf(type)
    return ids.length > 0 ? [`${type} ${ids.join(', ')}`] : []
  })
  if (property !== undefined) lines.push(`Parent company: ${property.value}`)
  return lines.length > 0 ? lines : ['–']
}

export const hasRelation = (row: Fields, relationType: string, customerId: string): boolean =>
  listOf(row.customerRelations).some((it) => it.relationType === relationType && it.customerId === customerId)

export const propertyOf = (row: Fields, key: string): unknown =>
  listOf(row.properties).find((property) => property.key === key)?.value

const listOf = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isObject) : [])
