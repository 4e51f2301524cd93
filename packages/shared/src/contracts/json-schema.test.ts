import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { CONTRACT_TOPICS } from '../kafka/topics.ts'
import { incompatibilities } from './compatibility.ts'
import { describedSchemaOf, jsonSchemaOf, toJsonSchema } from './json-schema.ts'

const REGENERATE = 'after a change, run: node packages/shared/src/contracts/write-schemas.ts'

const released = (topic: string) =>
  JSON.parse(readFileSync(new URL(`schemas/${topic}.json`, import.meta.url), 'utf8')) as Record<string, unknown>

type Node = Record<string, unknown>

/** Its fields by name; those of each alternative, where there are some. */
const fieldsOf = ({ properties, oneOf }: Node): [string, Node][] => [
  ...Object.entries((properties ?? {}) as Record<string, Node>),
  ...((oneOf ?? []) as Node[]).flatMap(fieldsOf),
]

const withoutDescriptions = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(withoutDescriptions)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .filter(([name, inner]) => name !== 'description' || typeof inner !== 'string')
            .map(([name, inner]) => [name, withoutDescriptions(inner)]),
        )
      : value

describe.each(CONTRACT_TOPICS)('the contract of %s', (topic) => {
  it('can read every record that the released contract allows', () => {
    expect(incompatibilities(released(topic), jsonSchemaOf(topic))).toEqual([])
  })

  it('is the released one', () => {
    expect(jsonSchemaOf(topic), REGENERATE).toEqual(released(topic))
  })

  it('is registered by the same text, whatever its fields are said to mean', () => {
    expect(JSON.stringify(jsonSchemaOf(topic)), REGENERATE).toBe(JSON.stringify(released(topic)))
  })

  it('says in documents what every field means, and allows the same', () => {
    const described = describedSchemaOf(topic)

    // A constant says so itself.
    expect(fieldsOf(described).filter(([, field]) => !('description' in field || 'const' in field))).toEqual([])
    expect(withoutDescriptions(described)).toEqual(jsonSchemaOf(topic))
  })
})

describe('a JSON Schema made from a contract', () => {
  it('closes objects, inner ones too, and leaves records of the peers open', () => {
    const contract = z.object({ inner: z.object({ a: z.string() }), raw: z.record(z.string(), z.unknown()) })

    expect(toJsonSchema(contract)).toMatchObject({
      additionalProperties: false,
      properties: { inner: { additionalProperties: false }, raw: { type: 'object', additionalProperties: {} } },
    })
  })

  it('lets a field be absent that is optional or has a default', () => {
    const contract = z.object({ a: z.string(), b: z.string().optional(), c: z.string().default('x') })

    expect(toJsonSchema(contract).required).toEqual(['a'])
  })

  it('is of a draft that the validator of the registry client knows', () => {
    expect(toJsonSchema(z.object({})).$schema).toBe('http://json-schema.org/draft-07/schema#')
  })
})
