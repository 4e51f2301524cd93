import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseExactJson, scalarText } from './exact-json.ts'

const again = (text: string) => JSON.stringify(parseExactJson(text))

describe('a number of a peer', () => {
  it.each([
    '6035550000012345679',
    '-6035550000012345679',
    '9007199254740993',
    '123456789012345678901234567890',
    '0.1234567890123456789',
    '1e400',
    '-1e-400',
    '1.7976931348623157e309',
  ])('that a double cannot represent keeps every digit: %s', (literal) => {
    const text = `{"cardNo":${literal},"list":[[${literal}],{"deep":${literal}}]}`

    expect(again(text)).toBe(text)
    expect(scalarText(parseExactJson(literal))).toBe(literal)
  })

  it.each(['0', '-0', '1', '5003', '1.5', '0.1', '1.10', '1e3', '9007199254740991', '100000000000000000000', '1E+2'])(
    'that a double represents is a number: %s',
    (literal) => {
      expect(parseExactJson(literal)).toBe(Number(literal))
    },
  )

  it('keeps its digits however it is written (property)', () => {
    const digits = fc.stringMatching(/^-?[1-9][0-9]{0,40}(\.[0-9]{1,25}[1-9])?$/)
    fc.assert(
      fc.property(digits, (literal) => {
        const written = again(`[${literal}]`).slice(1, -1)
        // A number that a double represents may be written in another spelling of the same value.
        expect(written === literal || BigInt(Number(literal)) === BigInt(literal)).toBe(true)
      }),
    )
  })
})

it('everything else is parsed like JSON', () => {
  const text = '{"a":"6035550000012345679","b":"5e3","c":[null,true,{}],"__proto__":{"x":1}}'

  expect(parseExactJson(text)).toEqual(JSON.parse(text))
  expect(again(text)).toBe(text)
  expect(() => parseExactJson('{"a":6035550000012345679')).toThrow(SyntaxError)
})

it.each([
  ['text', 'text'],
  [12, '12'],
  [false, 'false'],
  [null, undefined],
  [{}, undefined],
  [[1], undefined],
  [undefined, undefined],
])('the text of the scalar %j is %j', (value, expected) => {
  expect(scalarText(value)).toBe(expected)
})
