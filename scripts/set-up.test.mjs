import { expect, test } from 'vitest'
import { firstMissing } from './set-up.mjs'

const lockOf = (packages) => ({ packages: { '': { name: 'root' }, ...packages } })
const missing = (wanted, found) => firstMissing(lockOf(wanted), lockOf(found))

test.each([
  ['all is there', { a: { version: '1.0.0' } }, { a: { version: '1.0.0' } }, undefined],
  ['one is of another version', { a: { version: '1.0.1' } }, { a: { version: '1.0.0' } }, 'a'],
  ['one is not there', { a: { version: '1.0.0' }, b: { version: '2.0.0' } }, { a: { version: '1.0.0' } }, 'b'],
  ['an optional one is for another system', { a: { version: '1.0.0', optional: true } }, {}, undefined],
  ['an optional one is old', { a: { version: '2.0.0', optional: true } }, { a: { version: '1.0.0' } }, 'a'],
  ['a workspace is not linked', { w: { link: true } }, {}, 'w'],
  ['something more is there', {}, { a: { version: '1.0.0' } }, undefined],
])('%s', (_, wanted, found, first) => {
  expect(missing(wanted, found)).toBe(first)
})
