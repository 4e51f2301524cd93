import { describe, expect, it } from 'vitest'
import { relationLines, relationView } from './relation-view.ts'

const entry = (relationType: string, customerId: string) => ({ relationType, customerId, customerType: 'B2B' })

describe('the relations of a company', () => {
  it.each([
    ['one that is not there', undefined, ['not there']],
    ['one without any', {}, ['–']],
    ['empty lists', { customerRelations: [], properties: [] }, ['–']],
    ['a department', { customerRelations: [entry('Parent', '1')] }, ['Parent 1']],
    [
      'a parent',
      {
        customerRelations: [entry('SubDepartment', '2'), entry('SubDepartment', '3')],
        properties: [{ key: 'Parent company', value: 'true' }],
      },
      ['SubDepartment 2, 3', 'Parent company: true'],
    ],
  ])('of %s', (_case, row, lines) => {
    expect(relationLines(row)).toEqual(lines)
  })

  it('are shown before and after, beside each other', () => {
    const after = { customerRelations: [entry('Parent', '2')], properties: [{ key: 'Parent company', value: 'false' }] }

    const view = relationView([{ name: 'South (1)', before: undefined, after }], (_style, text) => text)

    expect(view).toEqual([
      'in Omnium  before     after',
      'South (1)  not there  Parent 2',
      '                      Parent company: false',
    ])
  })
})
