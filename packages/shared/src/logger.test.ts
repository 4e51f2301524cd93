import { describe, expect, it } from 'vitest'
import { SyncError } from './errors.ts'
import { createLogger, pseudonymOf } from './logger.ts'
import { scrub } from './redact.ts'

const CUSTOMER = {
  customerUid: 'uid-4711',
  customerType: 'PERSON',
  firstname: 'Kari',
  lastname: 'Nordmann-Hansen',
  displayName: 'Kari N-H',
  companyName: 'Nordmann Blomster AS',
  email: 'kari@example.com',
  mobile: '+47 900 00 001',
  phone: 90000002,
  address: 'Storgata 17B',
  city: 'Lillehammer',
  postalCode: '2609',
  vatNumber: 'NO912345678MVA',
  ledgerNumber: 55512,
  loyaltyId: 'L-998877',
  internalNote: 'ring etter fem',
  birthDate: '1980-02-03',
  credit: { limit: 12345, balance: 678 },
  addresses: [{ type: 'DELIVERY_ADDRESS', address: 'Hytteveien 3', email: 'hytte@example.com' }],
  contacts: [{ firstname: 'Ola', mobile: '40000003', extensions: [{ key: 'shoeSize', value: '43' }] }],
  extensions: [{ anything: 'hemmelig verdi' }],
}
const SECRETS = {
  authorization: 'Bearer aaaa.bbbb.cccc',
  clientSecret: 'cs-12345',
  accessToken: 'at-67890',
  token: 'tok-13579',
  password: 'hunter2',
  webhookSecrets: ['whsec_c2VjcmV0'],
  url: '/webhooks/flow/acme?key=k-24680',
}

const capture = (log: (logger: ReturnType<typeof createLogger>) => void) => {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  log(createLogger({ service: 'test', level: 'trace', destination }))
  // At the 43rd second of a minute, a shoe size stands in the time.
  const text = lines.join('').replaceAll(/"time":"[^"]*"/g, '"time":""')
  return { text, line: JSON.parse(lines[0] ?? '{}') as Record<string, unknown> }
}

const valuesOf = (value: unknown): string[] =>
  value !== null && typeof value === 'object' ? Object.values(value).flatMap(valuesOf) : [String(value)]

/** A few of these stand in every log line by their nature. */
const telling = (value: unknown) => valuesOf(value).filter((text) => text !== 'PERSON' && text !== 'DELIVERY_ADDRESS')

describe('the logger', () => {
  it.each([
    ['under a name', (l: ReturnType<typeof createLogger>) => l.info({ customer: CUSTOMER, secrets: SECRETS }, 'x')],
    ['as the fields themselves', (l) => l.info({ ...CUSTOMER, ...SECRETS }, 'x')],
    ['deep within known fields', (l) => l.info({ target: { state: { ...CUSTOMER, ...SECRETS } } }, 'x')],
    ['in a list', (l) => l.info({ records: [CUSTOMER, SECRETS] }, 'x')],
    ['in the fields of a child', (l) => l.child({ ...CUSTOMER, ...SECRETS }).info('x')],
    ['as what is interpolated', (l) => l.info('got %o and %j', CUSTOMER, SECRETS)],
    ['on an error', (l) => l.error(Object.assign(new Error('x'), { body: CUSTOMER, request: SECRETS }))],
    [
      'on a cause',
      (l) => l.error({ err: new Error('x', { cause: Object.assign(new Error('y'), CUSTOMER, SECRETS) }) }),
    ],
    ['as a cause', (l) => l.error({ err: new Error('x', { cause: { ...CUSTOMER, ...SECRETS } }) })],
  ] as [string, (logger: ReturnType<typeof createLogger>) => void][])(
    'lets no value of a customer and no secret through %s',
    (_where, log) => {
      const { text } = capture(log)

      const leaked = [...telling(CUSTOMER), ...telling(SECRETS)].filter((value) => text.includes(value))
      expect(leaked).toEqual([])
      expect(text.length).toBeGreaterThan(20)
    },
  )

  it('writes the fields that it knows, a key by its pseudonym', () => {
    const fields = { tenant: 'acme', topic: 'flow.customers.v1', partition: 3, offset: '17', durationMs: 12.5 }

    const { line } = capture((logger) =>
      logger.info({ ...fields, key: 'acme:1000', changed: ['email'] }, 'record ended'),
    )

    expect(line).toMatchObject({ ...fields, key: pseudonymOf('acme:1000'), changed: ['email'] })
    expect(line).toMatchObject({ service: 'test', level: 'info', msg: 'record ended' })
    expect(pseudonymOf('acme:1000')).not.toBe(pseudonymOf('acme:1001'))
  })

  it('writes an error by its name, code, message, stack and causes', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' })
    const err = new SyncError('target-unreachable', 'reading a customer from flow: ECONNREFUSED', {
      cause,
      target: 'flow',
      tenant: 'acme',
    })

    const { line } = capture((logger) => logger.error({ err }, 'x'))

    expect(line.err).toMatchObject({
      type: 'SyncError',
      code: 'target-unreachable',
      message: 'reading a customer from flow: ECONNREFUSED',
      target: 'flow',
      tenant: 'acme',
      stack: expect.stringContaining('logger.test.ts'),
      cause: { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 127.0.0.1:1' },
    })
  })

  it('does not repeat what JSON.parse could not read', () => {
    const { text } = capture((logger) => {
      try {
        JSON.parse('hemmelig {"a":1}')
      } catch (err) {
        logger.error({ err }, 'x')
        logger.error(err)
      }
    })

    expect(text).not.toContain('hemmelig')
    expect(text).toContain('SyntaxError')
  })
})

describe('text', () => {
  it.each([
    ['posting to /api/token?clientId=abc&clientSecret=s3cret&returnAsJson=true', 's3cret'],
    ['sent Authorization: Bearer abc.def-ghi', 'abc.def'],
    ['customer kari.nordmann+x@example.co.uk not found', 'kari'],
    ['GET /api/Orders/kari%40example.com', 'example.com'],
    ['called +47 900 00 001', '900'],
    ['via http://user:pass@proxy.example:8080', 'pass'],
  ])('is scrubbed: %s', (text, secret) => {
    expect(scrub(text)).not.toContain(secret)
  })

  it.each([
    'topic flow.customers.v1 partition 3 offset 1234567890123',
    'at 2026-01-01T00:00:00.000+01:00',
    'connect ECONNREFUSED 127.0.0.1:9092',
    'updating a customer in omnium: 409 Conflict',
  ])('stays as it is: %s', (text) => {
    expect(scrub(text)).toBe(text)
  })
})

it('an error is written at once, with all that came before it', () => {
  const written: string[] = []
  const buffered: string[] = []
  const destination = {
    write: (line: string) => void buffered.push(line),
    flushSync: () => void written.push(...buffered.splice(0)),
  }
  const logger = createLogger({ service: 'test', level: 'info', destination })

  logger.info('first')
  logger.warn('second')
  expect(written).toEqual([])
  logger.child({ component: 'x' }).error('third')

  expect(written.map((line) => JSON.parse(line).msg)).toEqual(['first', 'second', 'third'])
})
