import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type EncodeRecord, encodeRecord } from './kafkajs-encoding.ts'

const theirs = createRequire(import.meta.url)('kafkajs/src/protocol/recordBatch/record/v0/index.js') as EncodeRecord

const bytes = (maxLength: number) =>
  fc.oneof(
    fc.string({ maxLength, unit: 'grapheme' }),
    fc.uint8Array({ maxLength }).map((array) => Buffer.from(array)),
  )
const record = fc.record({
  offsetDelta: fc.nat(1_000_000),
  timestampDelta: fc.integer({ min: -0x3fff_ffff, max: 0x3fff_ffff }),
  key: fc.option(bytes(200)),
  value: fc.option(bytes(20_000)),
  headers: fc.dictionary(fc.string({ maxLength: 100 }), fc.oneof(bytes(200), fc.array(bytes(100), { maxLength: 4 }))),
})

it('a record is the bytes that kafkajs makes of it', () => {
  fc.assert(
    fc.property(record, (each) => {
      expect(encodeRecord(each).buffer.equals(theirs(each).buffer)).toBe(true)
    }),
  )
})
