import Fastify, { type FastifyInstance } from 'fastify'

/** Why a service can't take work now; empty when it can. `details` are shown to operators either way. */
export interface Readiness {
  readonly waitingFor: readonly string[]
  readonly details: Readonly<Record<string, unknown>>
}

export interface AdminOptions {
  readonly readiness: () => Readiness
  /** `accept`: the header that the scraper sent. */
  readonly metrics: (accept?: string) => Promise<{ readonly contentType: string; readonly text: string }>
}

/** Health, readiness and metrics; never public. `/live` answers as long as the process turns its event loop. */
export function createAdminApp({ readiness, metrics }: AdminOptions): FastifyInstance {
  const app = Fastify({ logger: false, return503OnClosing: false })
  app.get('/live', () => ({ live: true }))
  app.get('/ready', (_request, reply) => {
    const { waitingFor, details } = readiness()
    const ready = waitingFor.length === 0
    return reply.code(ready ? 200 : 503).send({ ready, waitingFor, ...details })
  })
  app.get('/metrics', async (request, reply) => {
    const { contentType, text } = await metrics(request.headers.accept)
    return reply.header('content-type', contentType).send(text)
  })
  return app
}
