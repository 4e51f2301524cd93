import type { FastifyInstance } from 'fastify'
import type { WebhookAnswer } from '../http/problem.ts'
import { createWebhookApp, type WebhookAppOptions } from '../http/server.ts'
import { createLogger } from '../logger.ts'
import { createTenants } from '../tenants.ts'
import { aTenant } from './builders.ts'
import { createFakePublisher, type FakePublisher } from './fake-publisher.ts'

export const SECRET = 'a-webhook-secret'

export interface WebhookAppUnderTest {
  readonly app: FastifyInstance
  readonly publisher: FakePublisher
  readonly answers: readonly WebhookAnswer[]
  /** What was logged, line by line. */
  readonly lines: readonly string[]
  /** To tenant `acme`, with its secret, unless told otherwise. */
  post(
    payload: string | Buffer,
    headers?: Record<string, string>,
    url?: string,
  ): Promise<Awaited<ReturnType<FastifyInstance['inject']>>>
}

/** The real webhook app over a fake publisher, at 2026-02-01T00:00:00Z, for the tenants `acme` and `other`. */
export function aWebhookApp(
  fields: Partial<WebhookAppOptions> & Pick<WebhookAppOptions, 'source' | 'parse'>,
): WebhookAppUnderTest {
  const publisher = createFakePublisher()
  const answers: WebhookAnswer[] = []
  const lines: string[] = []
  const tenants = createTenants([aTenant(), aTenant({ uid: 'other' })])
  const app = createWebhookApp({
    tenants: () => tenants,
    publisher,
    metrics: (answer) => answers.push(answer),
    logger: createLogger({ service: 'test', level: 'debug', destination: { write: (line) => lines.push(line) } }),
    maxInFlightRequests: 10,
    isAccepting: () => true,
    now: () => Date.parse('2026-02-01T00:00:00Z'),
    ...fields,
  })
  return {
    ...{ app, publisher, answers, lines },
    post: async (payload, headers = { authorization: `Bearer ${SECRET}` }, url = `/webhooks/${fields.source}/acme`) =>
      app.inject({ method: 'POST', url, headers, payload }),
  }
}
