import { z } from 'zod'
import type { ContractTopic } from '../kafka/topics.ts'
import { CONTRACTS } from './contracts.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

/**
 * The JSON Schema of a topic's value, as registered. It describes what is on the wire (zod's input), so a field that is
 * optional or has a default may be absent. Objects are closed: only so is adding an optional field later a compatible
 * change, because no earlier record can hold another meaning under that name. Raw records of the peers stay open.
 */
export const jsonSchemaOf = (topic: ContractTopic): JsonSchema => toJsonSchema(CONTRACTS[topic])

/** The same with what its fields mean, for documents. */
export const describedSchemaOf = (topic: ContractTopic): JsonSchema => toJsonSchema(CONTRACTS[topic], z.globalRegistry)

/** What a schema registry holds is told apart by its text: better words must not make another version. */
const NO_WORDS: typeof z.globalRegistry = z.registry()

export function toJsonSchema(contract: z.ZodType, metadata = NO_WORDS): JsonSchema {
  const { '~standard': _standard, ...schema } = z.toJSONSchema(contract, {
    target: 'draft-7',
    io: 'input',
    metadata,
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod
      if (def.type === 'object' && def.catchall === undefined) jsonSchema.additionalProperties = false
      // A record's keys are strings anyway, and registries compare fewer keywords more reliably.
      if (def.type === 'record') delete jsonSchema.propertyNames
    },
  })
  return schema
}
