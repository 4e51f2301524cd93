import { createHmac } from 'node:crypto'
import { parseArgs } from 'node:util'
import autocannon from 'autocannon'
import { SIGNING_KEY, startBench, WEBHOOK_SECRET } from './bench-system.ts'
import { type MeasuredProcess, startBareFastify } from './service-process.ts'

const TENANTS = ['acme-no', 'bolt-no', 'cargo-no', 'delta-no']
const CUSTOMERS = 10_000
const WARM_UP_S = 3

interface Load {
  readonly connections: number
  readonly seconds: number
  /** Requests a second; null: as many as are answered. */
  readonly rate: number | null
  readonly isSigned?: boolean
}

/**
 * `npm run bench -- ingest [--seconds 10] [--connections 100]`: webhooks against flow-ingest with a real broker (acks=all),
 * and beside it, in the same run, against a bare fastify that answers 202. The load, the service, the broker and the peers'
 * stand-in share the machine, so the processes' CPU stands beside the figures.
 */
export async function ingest(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { seconds: { type: 'string', default: '10' }, connections: { type: 'string', default: '100' } },
  })
  const full = { connections: Number(values.connections), seconds: Number(values.seconds), rate: null }
  const paced = { connections: 50, seconds: full.seconds }
  const stops: (() => Promise<unknown>)[] = []
  try {
    const { services } = await startBench(TENANTS, ['flow-ingest'], stops)
    const service = services.get('flow-ingest')!
    const bare = await startBareFastify()
    stops.push(bare.stop)
    const rows: Record<string, unknown>[] = []
    const row = async (name: string, process: MeasuredProcess, load: Load) => {
      const measured = await measure(process, load)
      rows.push({ case: name, ...measured })
      return measured.perSecond
    }
    const most = await row('bare fastify, full load', bare, full)
    const ours = await row('flow-ingest, full load', service, full)
    await row('flow-ingest, full load, signatures', service, { ...full, isSigned: true })
    await row('flow-ingest, 1,000/s', service, { ...paced, rate: 1_000 })
    await row('flow-ingest, 2,000/s', service, { ...paced, rate: 2_000 })
    console.table(rows)
    console.log(
      `flow-ingest takes ${Math.round((ours / most) * 100)} % of bare fastify's requests a second (goal: 50 %)`,
    )
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

async function measure(process: MeasuredProcess, load: Load) {
  await shoot(process.url, { ...load, seconds: WARM_UP_S })
  const cpuBefore = await process.metric('process_cpu_seconds_total')
  const result = await shoot(process.url, load)
  // Of the time since the last look at the metrics, so it is looked at first.
  const lag = await process.metric('nodejs_eventloop_lag_p99_seconds').catch(() => null)
  const cpuSeconds = (await process.metric('process_cpu_seconds_total')) - cpuBefore
  return {
    perSecond: Math.round(result.requests.total / result.duration),
    'p50 ms': result.latency.p50,
    'p99 ms': result.latency.p99,
    'not 202': result.non2xx + result.errors + result.timeouts,
    '% of a core': Math.round((cpuSeconds / result.duration) * 100),
    'event loop p99 ms': lag === null ? null : Math.round(lag * 10_000) / 10,
  }
}

/** Every request of another customer, by turns of the tenants. */
function shoot(url: string, { connections, seconds, rate, isSigned = false }: Load) {
  let sent = 0
  return autocannon({
    ...{ url, connections, duration: seconds, method: 'POST' },
    ...(rate !== null && { overallRate: rate }),
    requests: [
      {
        setupRequest(request) {
          const n = sent++
          const body = JSON.stringify({
            action: 'CUSTOMER_UPDATE',
            tenant: { Id: 7, Uid: '7' },
            customer: { Id: n, Uid: `customer-${n % CUSTOMERS}` },
            tenantUser: { Id: 14, Uid: 'a-till' },
          })
          const headers = {
            'content-type': 'application/json',
            ...(isSigned ? signatureOf(`msg_${n}`, body) : { authorization: `Bearer ${WEBHOOK_SECRET}` }),
          }
          return { ...request, path: `/webhooks/flow/${TENANTS[n % TENANTS.length]}`, body, headers }
        },
      },
    ],
  })
}

function signatureOf(id: string, body: string) {
  const timestamp = String(Math.floor(Date.now() / 1000))
  const signature = createHmac('sha256', SIGNING_KEY).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
}
