import { SERVICES } from '@sync/shared/kafka/topics'
import { type Screen, startingOn } from '../screen.ts'
import { logFileOf, type Services, startServices } from '../services.ts'
import { type Stop, stopAll } from '../stops.ts'
import { type Surroundings, startSurroundings } from '../surroundings.ts'
import { aborted, unless } from '../unless.ts'
import { syncctlLines } from './env-lines.ts'
import { followLines } from './follow-lines.ts'
import { createLogView } from './log-view.ts'
import type { DevOptions } from './options.ts'
import { choosePorts, webhookUrlAt } from './ports.ts'
import { curlsFor, TENANT } from './tenant.ts'

const READY_WITHIN_MS = 45_000
/** Above what a service takes to drain, so that none is cut short. */
const STOP_SERVICE_WITHIN_MS = 25_000
const STOP_WITHIN_MS = 60_000
/** Restarts the program when a file changes that it has imported; its output stays in one piece. */
const WATCH = ['--watch', '--watch-preserve-output']

/** Runs everything until it is interrupted, and answers 0; 1 when something around the services can't be started. */
export async function runDev(
  options: DevOptions,
  env: NodeJS.ProcessEnv,
  screen: Screen,
  interrupted: AbortSignal,
): Promise<number> {
  const stops: Stop[] = []
  let code = 0
  try {
    await unless(interrupted, start(options, env, screen, stops))
    await aborted(interrupted)
  } catch (error) {
    if (!interrupted.aborted) {
      code = 1
      screen.failure((error as Error).message)
    }
  }
  screen.line(screen.paint('dim', 'stopping'))
  await stopAll(stops, STOP_WITHIN_MS, (text) => screen.line(screen.paint('yellow', text)))
  return code
}

async function start(options: DevOptions, env: NodeJS.ProcessEnv, screen: Screen, stops: Stop[]): Promise<void> {
  const started = startingOn(screen)
  const ports = await choosePorts(options.freePorts)
  const surroundings = await startSurroundings({
    ...{ name: 'dev', tenant: TENANT, stops, started, stopWithinMs: STOP_SERVICE_WITHIN_MS },
    env: {
      ...env,
      FLOW_WEBHOOK_URL: webhookUrlAt('flow', ports.get('flow-ingest')!.http),
      OMNIUM_WEBHOOK_URL: webhookUrlAt('omnium', ports.get('omnium-ingest')!.http),
    },
    log: (message) => screen.line(screen.paint('dim', message)),
  })
  const { keeper, serviceEnv } = surroundings
  const view = createLogView(screen.hasColours)
  const logs = SERVICES.map((service) =>
    followLines(logFileOf(keeper, service), (line) => screen.line(view(service, line))),
  )
  stops.push(async () => {
    for (const log of logs) log.stop()
  })
  const services = await startServices({
    ...{ keeper, servicesDir: options.servicesDir, name: 'dev', ports, nodeArgs: WATCH },
    ...{ readyWithinMs: READY_WITHIN_MS, stopWithinMs: STOP_SERVICE_WITHIN_MS },
    env: { ...env, ...serviceEnv },
  })
  stops.push(async () => {
    for (const end of await services.stop()) screen.line(screen.paint('yellow', end))
  })
  services.onTrouble((service, why) => screen.failure(service, why))
  await services.untilReady()
  const ready = SERVICES.filter((service) => services.troubleOf(service) === undefined)
  if (ready.length > 0) started(ready.join(', '))
  for (const line of invitation(surroundings, services, screen)) screen.line(line)
}

function invitation({ urls, serviceEnv }: Surroundings, { places }: Services, { paint }: Screen): string[] {
  const row = (name: string, value: string) => `  ${name.padEnd(18)}${value}`
  return [
    '',
    paint('bold', 'Services'),
    ...[...places].flatMap(([service, { adminUrl, httpUrl }]) => [
      row(service, `${adminUrl}/ready, /metrics`),
      ...(service.endsWith('-ingest') ? [row('', `${httpUrl}/webhooks/${service.split('-')[0]}/${TENANT}`)] : []),
    ]),
    paint('bold', 'Try'),
    ...curlsFor({ flow: `${urls.flow}/_admin`, omnium: `${urls.omnium}/_admin` }).map((line) => `  ${line}`),
    paint('bold', 'For syncctl, in another terminal'),
    ...syncctlLines(serviceEnv).map((line) => `  ${line}`),
    '',
    'A change of a file restarts the services that import it. Ctrl-C ends it all.',
    '',
  ]
}
