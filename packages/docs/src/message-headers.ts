import { SERVICES } from '@sync/shared/kafka/topics'
import { PARK_REASONS } from '@sync/shared/outcome'
import type { LaneWhy } from '@sync/shared/stream'
import { z } from 'zod'
import type { Json } from './yaml.ts'

/** Headers are text in UTF-8, numbers and times too. */
const text = (description: string) => z.string().describe(description)
const count = (description: string) => z.string().regex(/^\d+$/).describe(`${description} A decimal number.`)
const epochMs = (description: string) =>
  z.string().regex(/^\d+$/).describe(`${description} ms since the epoch, decimal.`)
const instant = (description: string) =>
  z.string().meta({ description: `${description} ISO 8601.`, format: 'date-time' })

const LANE_WHYS = ['deferred', 'redriven', 'replayed', 'verify', 're-read'] as const satisfies readonly LaneWhy[]

/** What every record carries that stands on its topic for the first time. */
export const RecordHeaders = z
  .object({
    'event-id': z.string().meta({ description: "The record's own: a UUID, new for each.", format: 'uuid' }),
    source: z.enum([...SERVICES, 'syncctl']).describe('Who wrote it.'),
    'occurred-at': instant('When it was written.'),
    traceparent: z
      .string()
      .regex(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)
      .describe('W3C trace context, one for the change and all that follows from it.'),
  })
  .describe('Headers of every record. Whatever else a record carries is kept through lanes and dead letters.')

export const LaneHeaders = z
  .object({
    'lane-why': z
      .enum(LANE_WHYS)
      .describe(
        'How it came here: it has to wait (deferred), an operator sent it back (redriven, replayed), or a write had an ' +
          'unknown end and is looked at again (verify).',
      ),
    'lane-topic': text('Where the record first stood, by the physical name of the topic.'),
    'lane-partition': count('The partition there.'),
    'lane-offset': count('The offset there.'),
    'lane-reason': text("Why it waits, a code; or the command that sent it, in syncctl's words."),
    'lane-not-before': epochMs('Not handled before.'),
    'lane-attempts': count('Failed attempts so far.'),
    'lane-brownout-ms': count(
      'For how many ms the record has failed because its target fails now and then. After an hour such failures count.',
    ),
    'lane-first-seen-at': epochMs('When the service first handled it; bounded waits count from here.'),
    'lane-passes': count('How often it went through the lane; its waits grow with it.'),
    'lane-redrives': count('How often it was redriven.'),
  })
  .describe("What the retry lane adds to the record's own headers.")

const letter = {
  'dl-topic': text('Where the record first stood, by the physical name of the topic.'),
  'dl-partition': count('The partition there.'),
  'dl-offset': count('The offset there. Topic, partition and offset tell a dead letter from all others.'),
  'dl-reason': z.enum(PARK_REASONS).describe('Why it was set aside.'),
  'dl-message': text('For operators: an API path, a status, a field name; never customer data.'),
  'dl-attempts': count('Failed attempts before it was set aside.'),
  'dl-first-failure-at': instant('When it first failed.'),
  'dl-last-failure-at': instant('When it was set aside.'),
  'dl-redrives': count('How often it had been redriven before.'),
}

export const DeadLetterHeaders = z
  .object(letter)
  .describe("What the dead-letter topic adds to the record's own headers.")

export const MarkerHeaders = z
  .object({
    ...letter,
    'dl-status': z.enum(['redriven', 'discarded']).describe('What became of the dead letter of the same origin.'),
    'dl-status-at': instant('When that was.'),
  })
  .describe('The headers of the dead letter that it is about, and what became of it.')

/** The schema of headers; other headers may be there too. */
export function headersSchema(headers: z.ZodType): Json {
  const { $schema: _, '~standard': _standard, ...schema } = z.toJSONSchema(headers, { target: 'draft-7', io: 'input' })
  return schema
}
