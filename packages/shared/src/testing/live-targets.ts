import { afterEach } from 'vitest'
import { createTargets, type Targets } from '../http/targets.ts'
import { createLogger } from '../logger.ts'
import { createMetrics, type Metrics } from '../metrics.ts'
import type { Tenant } from '../tenants.ts'
import { aTenant } from './builders.ts'
import { type Answer, type SeenRequest, sendJson, startHttpServer, type TestServer } from './http-server.ts'
import { createManualTime, type ManualTime } from './manual-time.ts'

export interface LiveTargets extends Targets {
  readonly flowServer: TestServer
  readonly omniumServer: TestServer
  readonly tenant: Tenant
  readonly time: ManualTime
  /** The wall clock is this far from `time`. A test may step it. */
  readonly clock: { stepMs: number }
  readonly metrics: Metrics
  /** Everything that was logged. */
  readonly logged: string[]
}

export interface LiveTargetsOptions {
  readonly flow?: Answer
  /** Tokens are given out before this is asked, unless `token` says otherwise. */
  readonly omnium?: Answer
  readonly token?: Answer
  /** What a control read and a probe find; `empty` lists unless told, so that both are healthy. */
  readonly lists?: 'empty' | 'as the peer answers'
  readonly requestsPerSecond?: number
  readonly shares?: { readonly flow: number; readonly omnium: number }
}

const isToken = (url: string) => url.startsWith('/api/token')
/** The first request of a control read: a list of one item. */
const isControlList = ({ url, body }: SeenRequest) =>
  url.includes('pageSize=1&') || (url.endsWith('/Search') && /"take":1[,}]/.test(body))

/** The real clients against real servers on loopback, with a clock that stands still. */
export async function startLiveTargets(options: LiveTargetsOptions): Promise<LiveTargets> {
  const notFound: Answer = (_request, response) => sendJson(response, 404, {})
  const { flow = notFound, omnium = notFound, requestsPerSecond = 1_000, shares = { flow: 1, omnium: 1 } } = options
  let tokens = 0
  const token: Answer =
    options.token ??
    ((_request, response) => sendJson(response, 200, { accessToken: `token-${++tokens}`, expiresIn: 864_000 }))
  const emptyList: Answer = (_request, response) => sendJson(response, 200, { items: [], paging: {}, result: [] })
  const listed =
    (answer: Answer): Answer =>
    (request, ...rest) =>
      (isControlList(request) && options.lists !== 'as the peer answers' ? emptyList : answer)(request, ...rest)
  const flowServer = await startHttpServer(listed(flow))
  const omniumServer = await startHttpServer((request, response, socket) =>
    (isToken(request.url) ? token : listed(omnium))(request, response, socket),
  )
  const limit = { requestsPerSecond, maxInFlight: 100 }
  const tenant = aTenant({
    flow: { baseUrl: `${flowServer.url}/v2`, token: 'flow-secret', ...limit },
    omnium: { baseUrl: omniumServer.url, clientId: 'client-7', clientSecret: 'omnium-secret', ...limit },
  })
  const time = createManualTime()
  const clock = { stepMs: 0 }
  const metrics = createMetrics('customer-mapper')
  const logged: string[] = []
  const logger = createLogger({ service: 'test', level: 'trace', destination: { write: (line) => logged.push(line) } })
  const targets = createTargets({
    service: 'customer-mapper',
    requestDeadlineMs: 10_000,
    metrics,
    logger,
    shares,
    now: time.now,
    wallNow: () => time.now() + clock.stepMs,
    random: () => 0.5,
    schedule: time.schedule,
  })
  return {
    ...targets,
    flowServer,
    omniumServer,
    tenant,
    time,
    clock,
    metrics,
    logged,
    async close() {
      await targets.close()
      await Promise.all([flowServer.close(), omniumServer.close()])
    },
  }
}

/** A start whose targets are closed after each test of the file. */
export function liveTargetsOfEachTest(): typeof startLiveTargets {
  const closing: LiveTargets[] = []
  afterEach(async () => {
    for (const targets of closing.splice(0)) await targets.close()
  })
  return async (options) => {
    const targets = await startLiveTargets(options)
    closing.push(targets)
    return targets
  }
}
