import type { z } from 'zod'
import { assemble } from './assemble.ts'
import { type ConfigOf, readConfig, type SharedConfig } from './config.ts'
import { SyncError } from './errors.ts'
import { mendKafkaJs } from './kafka/kafkajs-fixes.ts'
import type { ServiceName } from './kafka/topics.ts'
import { createLogOutput, type LogOutput, writeSomeTo } from './log-output.ts'
import { createLogger } from './logger.ts'
import { openTracing } from './open-tracing.ts'
import type { ServiceContext, ServiceParts } from './service-context.ts'
import { openTenantsFile } from './tenants-file.ts'

type ServiceSchema = z.ZodObject<Parameters<typeof readConfig>[0]['shape']>

/** Over the drain: what waits for the broker gives up after 10 s in all, for callers and a tracing collector after 4 s. */
const STOP_MARGIN_MS = 15_000
/** A reader that has stopped must not hold up the exit. */
const LAST_LINES_WITHIN_MS = 1_000
const EXIT_CONFIG = 78
const EXIT_FAILED = 1

/**
 * Runs a service until SIGTERM or SIGINT: once stops gracefully, twice at once. SIGHUP reads the tenants file now. Exits
 * 78 with every problem of the configuration listed, 1 when it can't go on. The only place that touches `process`.
 */
export async function runService<S extends ServiceSchema>(
  service: ServiceName,
  schema: S,
  build: (context: ServiceContext<ConfigOf<S['shape']> & SharedConfig>) => ServiceParts,
): Promise<void> {
  mendKafkaJs()
  const [output, problemOutput] = [openOutput(1), openOutput(2)]
  const { config, tenantsFile, logger } = readOrExit(service, schema, output, problemOutput)
  process.on('SIGHUP', () => void tenantsFile.reload())
  let fail: (error: Error) => void = () => {}
  const failed = new Promise<Error>((resolve) => {
    fail = resolve
  })
  const tracing = await openTracing(service, config, logger)
  const { tracer } = tracing
  const { droppedLines } = output
  const part = assemble({ service, config, tenantsFile, logger, droppedLogLines: droppedLines, tracer, build, fail })
  const signals = stopSignals()
  process.on('unhandledRejection', (error) => fail(error instanceof Error ? error : new Error('unhandled rejection')))
  process.on('uncaughtException', (error) => fail(error))

  const started = part.start().catch((error: unknown) => fail(error as Error))
  const end = await Promise.race([failed, signals.first])
  if (end instanceof Error) logger.fatal({ err: end }, 'the service ends because it cannot go on')
  else logger.info({ signal: end }, 'stopping')
  const deadline = setTimeout(() => {
    logger.error('stopping took too long')
    process.exit(EXIT_FAILED)
  }, config.requestDeadlineMs + STOP_MARGIN_MS)
  void signals.second.then(() => process.exit(EXIT_FAILED))
  void started
  await part.stop().catch((error: unknown) => logger.error({ err: error }, 'stopping failed'))
  await tracing.stop()
  clearTimeout(deadline)
  process.exit(end instanceof Error ? EXIT_FAILED : 0)
}

/** What it still has to write is written at the exit. */
function openOutput(fd: 1 | 2): LogOutput {
  const output = createLogOutput(writeSomeTo(fd))
  process.on('exit', () => output.flushWithin(LAST_LINES_WITHIN_MS))
  return output
}

function readOrExit<S extends ServiceSchema>(
  service: ServiceName,
  schema: S,
  destination: LogOutput,
  problemOutput: LogOutput,
) {
  const problems: string[] = []
  const attempt = <V>(read: () => V): V | null => {
    try {
      return read()
    } catch (error) {
      problems.push(error instanceof SyncError ? error.message : String(error))
      return null
    }
  }
  const config = attempt(() => readConfig(schema, process.env) as ConfigOf<S['shape']> & SharedConfig)
  const path = config?.tenantsFile ?? process.env.TENANTS_FILE
  const logger = createLogger({ service, level: config?.logLevel ?? 'info', destination })
  destination.onGap((count) => logger.warn({ count }, 'log lines were dropped because nobody read them in time'))
  const tenantsFile = path ? attempt(() => openTenantsFile({ path, env: process.env, logger })) : null
  if (config === null || tenantsFile === null || problems.length > 0) {
    problemOutput.write(
      `${service}: the configuration is not valid\n${problems.map((problem) => `  ${problem}\n`).join('')}`,
    )
    process.exit(EXIT_CONFIG)
  }
  return { config, tenantsFile, logger }
}

function stopSignals() {
  let seen = 0
  let onFirst: (signal: string) => void
  let onSecond: () => void
  const first = new Promise<string>((resolve) => {
    onFirst = resolve
  })
  const second = new Promise<void>((resolve) => {
    onSecond = resolve
  })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => (++seen === 1 ? onFirst(signal) : onSecond()))
  }
  return { first, second }
}
