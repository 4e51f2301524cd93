import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { sharedStack } from './stack.ts'

/** Registers another schema for the values of a topic (its physical name), by the client itself. */
export const registerSchema = (topic: string, schema: object): Promise<{ id: number }> =>
  new SchemaRegistry({ host: sharedStack().registryUrl, retry: { retries: 0 } }).register(
    { type: SchemaType.JSON, schema: JSON.stringify(schema) },
    { subject: `${topic}-value` },
  )
