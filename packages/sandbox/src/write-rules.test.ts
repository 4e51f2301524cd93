import { expect, test } from 'vitest'
import type { Fields } from './fields.ts'
import { refuseIncompleteAddress, refuseSecond } from './write-rules.ts'

const OTHERS = [{ email: 'ada@example.com', phone: '+4790000000' }, { email: null }]

test.each<[Fields, { uniqueEmails?: 400 | 409; uniquePhones?: 400 | 409 }, number | null]>([
  [{ email: 'ADA@example.com' }, { uniqueEmails: 409 }, 409],
  [{ email: 'ada@example.com' }, { uniqueEmails: 400 }, 400],
  [{ email: 'ada@example.com' }, {}, null],
  [{ email: 'bob@example.com', phone: '+4790000000' }, { uniqueEmails: 409 }, null],
  [{ phone: '+4790000000' }, { uniquePhones: 409 }, 409],
  [{ email: null, phone: '' }, { uniqueEmails: 409, uniquePhones: 409 }, null],
])('a second customer %o with %o is refused with %s', (fields, modes, status) => {
  const write = () => refuseSecond(fields, () => OTHERS, 'phone', { uniqueEmails: null, uniquePhones: null, ...modes })

  if (status === null) expect(write).not.toThrow()
  else expect(write).toThrow(expect.objectContaining({ statusCode: status }))
})

test.each<[Fields, readonly string[], boolean]>([
  [{ address: { line1: 'A', city: '' } }, ['city'], true],
  [{ address: { line1: 'A', city: 'Oslo' }, addresses: [{ line1: 'B' }] }, ['city'], true],
  [{ address: { line1: 'A', city: 'Oslo' }, addresses: [{ city: 'Bergen' }] }, ['city'], false],
  [{ address: null }, ['city'], false],
  [{ address: { line1: 'A' } }, [], false],
])('the address of %o where %o is required: refused %s', (fields, required, isRefused) => {
  const write = () => refuseIncompleteAddress(fields, required)

  if (isRefused) expect(write).toThrow(expect.objectContaining({ statusCode: 400 }))
  else expect(write).not.toThrow()
})
