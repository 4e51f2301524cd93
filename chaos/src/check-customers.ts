import { isDeepStrictEqual } from 'node:util'
import type { Fields } from '@sync/sandbox/fields'
import type { Check } from './check.ts'
import { AS_SENT, type FormOf } from './forms.ts'
import { nameOf } from './operations.ts'
import type { Contested, Expected, ExpectedCompany, ExpectedCustomer } from './oracle.ts'
import { plain } from './plain.ts'
import type { System } from './system.ts'

const STAMPS_OF_FLOW = ['displayName', 'createdAt', 'lastModifiedAt', 'lastModifiedBy']
/** Stamps, and what the check of the company graph looks at. */
const NOT_MAPPED = ['fullName', 'created', 'modified', 'modifiedBy', 'properties', 'customerRelations']

/** Compares the customers of both systems with `expected`, field by field. `expectedEnd` got the same `formOf`. */
export function checkCustomers(
  { flow, omnium }: Pick<System, 'flow' | 'omnium'>,
  expected: Expected,
  formOf: FormOf = AS_SENT,
): Check[] {
  const tenants = [...flow.tenants.keys()]
  const wantedInFlow = ({ fields, contested }: ExpectedCustomer, row: Fields) =>
    contested === null ? fields : { ...fields, ...givenValues(contested, row) }
  const wantedInOmnium = ({ tenant, id, fields, contested }: ExpectedCustomer, row: Fields) =>
    contested === null ? fields : contested.inOmnium(formOf(tenant, flow.customer(tenant, id) ?? {}), row)
  const rowsOf = <Row extends Fields>(list: (tenant: string) => readonly Row[], idField: keyof Row) =>
    new Map(
      tenants.flatMap((tenant) =>
        list(tenant).map((row) => [nameOf(tenant, String(row[idField])), formOf(tenant, row)] as const),
      ),
    )
  return [
    compared(
      'customers in Flow',
      expected.inFlow,
      wantedInFlow,
      rowsOf((it) => flow.customers(it), 'customerUid'),
      STAMPS_OF_FLOW,
    ),
    compared(
      'private customers in Omnium',
      expected.privateInOmnium,
      wantedInOmnium,
      rowsOf((it) => omnium.customers(it, 'B2C'), 'customerId'),
      NOT_MAPPED,
    ),
    compared(
      'business customers in Omnium',
      expected.businessInOmnium,
      wantedInOmnium,
      rowsOf((it) => omnium.customers(it, 'B2B'), 'customerId'),
      NOT_MAPPED,
    ),
  ]
}

function compared(
  name: string,
  expected: ReadonlyMap<string, ExpectedCustomer>,
  wantedOf: (customer: ExpectedCustomer, row: Fields) => Fields,
  actual: ReadonlyMap<string, Fields>,
  leftOut: readonly string[],
): Check {
  const wrong: string[] = []
  for (const [at, customer] of expected) {
    const row = actual.get(at)
    if (row === undefined) {
      wrong.push(`${at} is missing`)
      continue
    }
    const [wanted, found] = [plain(wantedOf(customer, row), leftOut), plain(row, leftOut)]
    const names = new Set([...Object.keys(wanted), ...Object.keys(found)])
    const different = [...names].filter((field) => !isDeepStrictEqual(wanted[field], found[field]))
    if (different.length > 0) wrong.push(`${at} differs in ${different.join(', ')}`)
  }
  for (const at of actual.keys()) if (!expected.has(at)) wrong.push(`${at} should not be there`)
  return { name, counted: expected.size, wrong }
}

/** Of a row's values those that somebody gave it. */
const givenValues = ({ given }: Contested, row: Fields): Fields =>
  Object.fromEntries(
    [...given].flatMap(([field, values]) => (values.has(row[field] ?? '') ? [[field, row[field]]] : [])),
  )

/** Both ends of every relation, and `Parent company`. */
export function checkGraph({ omnium }: System, { companies }: Expected): Check {
  const wrong: string[] = []
  for (const [at, company] of companies) {
    const row = omnium.customer(company.tenant, 'B2B', company.id)
    if (row === undefined) continue
    wrong.push(...relationProblems(company, row).map((problem) => `${at}: ${problem}`))
  }
  return { name: 'companies with their relations', counted: companies.size, wrong }
}

function relationProblems({ parent, children, foreign }: ExpectedCompany, row: Fields): string[] {
  const relations = (row.customerRelations as Fields[] | null | undefined) ?? []
  const of = (type: string) => relations.filter(({ relationType }) => relationType === type)
  const ids = (list: readonly Fields[]) => list.map(({ customerId }) => String(customerId)).toSorted()
  const problems: string[] = []
  const [wantedParents, parents] = [parent === null ? [] : [parent], ids(of('Parent'))]
  if (!isDeepStrictEqual(wantedParents, parents)) problems.push(`parent [${parents}] instead of [${wantedParents}]`)
  const [wantedChildren, departments] = [[...children].toSorted(), ids(of('SubDepartment'))]
  if (!isDeepStrictEqual(wantedChildren, departments)) {
    problems.push(`departments [${departments}] instead of [${wantedChildren}]`)
  }
  const others = relations.filter(({ relationType }) => relationType !== 'Parent' && relationType !== 'SubDepartment')
  if (!isDeepStrictEqual(others, foreign)) problems.push('relations that others made have changed')
  const ours = [...of('Parent'), ...of('SubDepartment')]
  if (ours.some(({ customerType }) => customerType !== 'B2B')) problems.push('a relation that is not B2B')
  const property = ((row.properties as Fields[] | null) ?? []).find(({ key }) => key === 'Parent company')?.value
  const wanted = children.length > 0 ? ['true'] : [undefined, 'false']
  if (!wanted.includes(property as string | undefined)) problems.push(`Parent company is ${property}`)
  return problems
}
