import Fastify from 'fastify'

/** What flow-ingest is compared with: a fastify that reads a webhook's JSON and answers 202. Tells its port and its CPU time. */
const app = Fastify({ logger: false })
app.post('/webhooks/flow/:tenantUid', (_request, reply) => reply.code(202).send())
app.get('/metrics', () => `process_cpu_seconds_total ${(process.cpuUsage().user + process.cpuUsage().system) / 1e6}\n`)
const address = await app.listen({ host: '127.0.0.1', port: 0 })
console.log(address)
process.on('SIGTERM', () => process.exit(0))
