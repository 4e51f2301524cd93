import { join } from 'node:path'
import { syncctlLines } from '../dev/env-lines.ts'
import { describeDefect } from '../model-defects.ts'
import type { Screen } from '../screen.ts'
import { type Stop, stopAll } from '../stops.ts'
import { aborted, unless } from '../unless.ts'
import { KARI } from './cast.ts'
import { checkDay, countCompared } from './check.ts'
import { measured, REST } from './closing.ts'
import { DAY } from './day.ts'
import type { DemoOptions } from './options.ts'
import { playAll } from './play.ts'
import { type Finding, isAsExpected, summary } from './summary.ts'
import { type System, startSystem, TENANT, webhookUrls } from './system.ts'

const STOP_MS = 30_000

/**
 * Plays the day. With `exit`: then compares and sums up, and answers 0 when all is as it should be, else 1. Without:
 * stays until it is interrupted, and answers 0. Stops what it started; an interrupted comparison answers 130.
 */
export async function runDemo(
  options: DemoOptions,
  env: NodeJS.ProcessEnv,
  screen: Screen,
  interrupted: AbortSignal,
): Promise<number> {
  const { paint } = screen
  const stops: Stop[] = []
  const begun = performance.now()
  const startedAt = Date.now()
  let code = 0
  try {
    screen.line(paint('bold', 'A short day in a shop, between Flow and Omnium'))
    screen.line()
    const system = await unless(interrupted, startSystem(options, env, screen, stops))
    const latenciesMs: number[] = []
    const steps = options.exit ? [...DAY, measured(latenciesMs), REST] : DAY
    const results = await playAll(steps, system, screen, interrupted)
    if (options.exit) {
      const finding: Finding = {
        results,
        differences: checkDay(system, startedAt),
        comparedFields: countCompared(system),
        latenciesMs,
        troubles: [...troublesOf(system), ...defectsOf(system)],
        errors: errorsOf(system),
        tookMs: performance.now() - begun,
      }
      screen.line()
      for (const line of summary(finding, paint)) screen.line(line)
      code = isAsExpected(finding) ? 0 : 1
    } else {
      for (const line of invitation(system, screen)) screen.line(line)
      await aborted(interrupted)
    }
  } catch (error) {
    code = interrupted.aborted ? (options.exit ? 130 : 0) : 1
    if (!interrupted.aborted) screen.line(`${paint('red', '✗')} ${(error as Error).message}`)
  }
  if (interrupted.aborted) screen.line(`\n${paint('dim', 'stopping')}`)
  await stopAll(stops, STOP_MS, (text) => screen.line(paint('yellow', text)))
  return code
}

const troublesOf = ({ services }: System): string[] =>
  [...services.places.keys()].flatMap((service) => {
    const why = services.troubleOf(service)
    return why === undefined ? [] : [`${service}: ${why}`]
  })

/** Fields in requests that Omnium does not document. */
const defectsOf = ({ omnium }: System): string[] =>
  omnium.defects.list().map((defect) => `a request that Omnium does not document: ${describeDefect(defect)}`)

/** For whoever looks for the cause: the logs themselves are gone then. */
const errorsOf = ({ services }: System): string[] =>
  [...services.places.keys()].flatMap((service) => {
    const error = services.troubleOf(service) === undefined ? services.lastErrorOf(service) : ''
    return error === '' ? [] : [`${service} logged${error}`]
  })

function invitation(system: System, { paint }: Screen): string[] {
  const { stack, prefix, urls, services, webhookSecret, serviceEnv, logFolder } = system
  const webhooks = webhookUrls(services)
  const row = (name: string, value: string) => `  ${name.padEnd(18)}${value}`
  const places = [...services.places].flatMap(([service, { adminUrl }]) => [
    row(service, `${adminUrl}/metrics`),
    row('', `${adminUrl}/ready`),
  ])
  return [
    '',
    paint('bold', `Webhooks of tenant ${TENANT}`),
    row('Flow', webhooks.flow),
    row('Omnium', webhooks.omnium),
    row('bearer secret', webhookSecret),
    paint('bold', 'Services'),
    ...places,
    row('logs', join(logFolder, '*.log')),
    paint('bold', 'Stand-ins'),
    row('Flow', urls.flow),
    row('Omnium', urls.omnium),
    paint('bold', 'Stack'),
    row('brokers', stack.brokers.join(',')),
    row('schema registry', stack.registryUrl),
    ...(prefix === '' ? [] : [row('topic prefix', prefix)]),
    paint('bold', 'Try'),
    `  curl -s ${urls.flow}/_admin/tenants/${TENANT}/customers --json \\`,
    `    '{"customerUid":"3001","customerType":"PERSON","firstname":"Nora","lastname":"Ny"}'`,
    `  curl -s ${urls.omnium}/_admin/state`,
    paint('bold', 'For syncctl, in another terminal'),
    ...syncctlLines(serviceEnv).map((line) => `  ${line}`),
    `  npx syncctl trace --tenant ${TENANT} --customer ${KARI.customerUid}`,
    `  npx syncctl doctor --tenant ${TENANT}`,
    '',
    'Ctrl-C ends it.',
  ]
}
