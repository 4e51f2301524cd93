import { z } from 'zod'
import type { Json } from './yaml.ts'

/** In the dialect of OpenAPI 3.1. Objects are open, so that an answer may tell more one day. */
export function openSchemaOf(schema: z.ZodType): Json {
  const { $schema: _, '~standard': _standard, ...rest } = z.toJSONSchema(schema, { io: 'input' })
  return rest
}
