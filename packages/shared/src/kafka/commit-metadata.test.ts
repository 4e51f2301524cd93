import { describe, expect, it } from 'vitest'
import { claimOf, commitsOf, isReleased, requestOf } from './commit-metadata.ts'

const AT = Date.parse('2026-02-01T00:00:00Z')
/** The `offset.metadata.max.bytes` of a broker that takes little metadata. */
const MAX_BYTES = 30

describe("an owner's text", () => {
  it.each(['a', 'mapper-0', 'x'.repeat(200), 'host-a-customer-mapper', 'æøå'.repeat(60), 'pod 1\t2'])(
    'of the instance %s fits a broker that takes little metadata',
    (instanceId) => {
      const { owned, released } = claimOf(instanceId, AT)

      expect(Buffer.byteLength(owned)).toBeLessThanOrEqual(MAX_BYTES)
      expect(Buffer.byteLength(released)).toBeLessThanOrEqual(MAX_BYTES)
      expect([isReleased(owned), isReleased(released)]).toEqual([false, true])
      const { metadata } = requestOf('t', 0, { offset: 5, ended: '' }, owned, '', 3_000)
      const committed = new Map([['t', new Map([[0, { offset: 5, metadata }]])]])
      expect(commitsOf(0, committed).map(({ owner }) => owner)).toEqual([owned])
    },
  )

  it('differs for two instances with long names, and for a process and its predecessor', () => {
    const texts = [
      claimOf(`${'x'.repeat(199)}a`, AT),
      claimOf(`${'x'.repeat(199)}b`, AT),
      claimOf(`${'x'.repeat(199)}b`, AT + 1),
    ].map(({ owned }) => owned)

    expect(new Set(texts).size).toBe(3)
  })
})
