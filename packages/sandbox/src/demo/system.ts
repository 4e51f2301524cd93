import { deadLetterTopicOf, SERVICES } from '@sync/shared/kafka/topics'
import type { Admin } from 'kafkajs'
import type { FlowApi } from '../flow-api.ts'
import type { OmniumApi } from '../omnium-api.ts'
import { type Screen, startingOn } from '../screen.ts'
import { type Services, startServices } from '../services.ts'
import type { Stack } from '../stack.ts'
import type { Stop } from '../stops.ts'
import { startSurroundings } from '../surroundings.ts'
import type { DemoOptions } from './options.ts'
import { startTopicLog, type TopicLog } from './topic-log.ts'

/** An invented retailer. */
export const TENANT = 'nordlys-no'

const READY_WITHIN_MS = 45_000
const STOP_WITHIN_MS = 10_000
/** A user who loses a webhook on purpose sees a sweep find the change soon. Few sweeps run while latencies are measured. */
const SWEEP_INTERVAL_MS = 60_000

const LOGGED = ['flow.orders.v1', 'omnium.orders.v1', ...SERVICES.map(deadLetterTopicOf)] as const

/** All that takes part in the day, running. */
export interface System {
  readonly stack: Stack
  readonly prefix: string
  readonly flow: FlowApi
  readonly omnium: OmniumApi
  readonly urls: { readonly flow: string; readonly omnium: string }
  readonly services: Services
  /** What webhooks carry as their bearer. */
  readonly webhookSecret: string
  /** The environment that the services share. */
  readonly serviceEnv: Readonly<Record<string, string>>
  readonly logFolder: string
  readonly admin: Admin
  readonly log: TopicLog
}

/**
 * Starts everything, telling the screen. `stops` gets what ends each part, also when a later one fails; to be run from
 * the last to the first. Rejects when something can't be started; a service that doesn't get ready is not that.
 */
export async function startSystem(
  { servicesDir, prefix }: DemoOptions,
  env: NodeJS.ProcessEnv,
  screen: Screen,
  stops: Stop[],
): Promise<System> {
  const started = startingOn(screen)
  const surroundings = await startSurroundings({
    ...{ name: 'demo', tenant: TENANT, stops, started, stopWithinMs: STOP_WITHIN_MS },
    env: { ...env, TOPIC_PREFIX: prefix, FLOW_WEBHOOK_RETRY_MS: '500' },
    log: (message) => screen.line(screen.paint('dim', message)),
  })
  const { stack, kafka, admin, contracts, flow, omnium, urls, keeper, webhookSecret, serviceEnv } = surroundings
  const [services, log] = await Promise.all([
    startServices({
      ...{ keeper, servicesDir, name: 'demo', readyWithinMs: READY_WITHIN_MS, stopWithinMs: STOP_WITHIN_MS },
      env: {
        PATH: env.PATH,
        ...serviceEnv,
        LOG_LEVEL: 'info',
        SWEEP_INTERVAL_MS: String(SWEEP_INTERVAL_MS),
      },
    }),
    startTopicLog({ kafka, admin, codec: contracts.codec, prefix: surroundings.prefix, topics: LOGGED }),
  ])
  stops.push(() => log.stop())
  stops.push(async () => {
    for (const end of await services.stop()) screen.line(screen.paint('yellow', end))
  })
  services.onTrouble((service, why) => screen.failure(service, why))
  await services.untilReady()
  configureWebhooks({ flow, omnium, services }, webhookSecret)
  const ready = SERVICES.filter((service) => services.troubleOf(service) === undefined)
  if (ready.length > 0) started(ready.join(', '))
  return {
    ...{ stack, prefix: surroundings.prefix, flow, omnium, urls, services, webhookSecret, serviceEnv },
    ...{ logFolder: keeper.folder, admin, log },
  }
}

export const webhookUrls = ({ places }: Services) => ({
  flow: `${places.get('flow-ingest')!.httpUrl}/webhooks/flow/${TENANT}`,
  omnium: `${places.get('omnium-ingest')!.httpUrl}/webhooks/omnium/${TENANT}`,
})

function configureWebhooks({ flow, omnium, services }: Pick<System, 'flow' | 'omnium' | 'services'>, secret: string) {
  const urls = webhookUrls(services)
  flow.configureTenant(TENANT, { webhook: { url: urls.flow, auth: { kind: 'bearer', secret } } })
  omnium.configureTenant(TENANT, { webhook: { url: urls.omnium, auth: { kind: 'bearer', secret } } })
}
