import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pack, unpack } from './packed.ts'

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array))
const value = fc.option(bytes)
const headers = fc.dictionary(
  fc.string({ minLength: 1 }),
  fc.oneof(value, fc.array(value, { minLength: 2, maxLength: 4 })),
)

describe('a packed record', () => {
  it('comes back with the same bytes, null and empty ones and repeated headers too', () => {
    fc.assert(
      fc.property(value, value, headers, (key, body, named) => {
        const record = { key, value: body, headers: named }

        const { headers: unpacked, ...rest } = unpack(pack(record))

        expect(rest).toEqual({ key, value: body })
        expect(Object.entries(unpacked)).toEqual(Object.entries(named))
      }),
    )
  })

  it('keeps nothing of what it was a part of', () => {
    const response = Buffer.from('....key:value....')
    const packed = pack({ key: response.subarray(4, 7), value: response.subarray(8, 13), headers: {} })

    response.fill(0)

    expect(unpack(packed)).toEqual({ key: Buffer.from('key'), value: Buffer.from('value'), headers: {} })
  })

  it.each([
    ['a larger value', { value: Buffer.alloc(5_000) }],
    [
      'more headers',
      { headers: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`h${i}`, Buffer.alloc(10)])) },
    ],
  ])('says that it takes more with %s', (_case, more) => {
    const small = { key: Buffer.from('k'), value: Buffer.from('v'), headers: {} }

    expect(pack({ ...small, ...more }).bytes).toBeGreaterThan(pack(small).bytes + 4_000)
  })
})
