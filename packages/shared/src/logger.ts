import { createHash } from 'node:crypto'
import { type DestinationStream, type LogFn, type Logger, type LoggerOptions, pino } from 'pino'
import { describeError, errorText, redactFields, scrub } from './redact.ts'

export type { Logger }

export interface CreateLoggerOptions {
  readonly service: string
  /** pino's levels: trace, debug, info, warn, error, fatal, silent. */
  readonly level: string
  /** Where the lines go; stdout by default. */
  readonly destination?: DestinationStream & { flushSync?(): void }
}

/**
 * A logger of JSON lines that holds back personal data and secrets whatever is given to it: fields pass only by
 * `redactFields`, record keys as pseudonyms, and messages without e-mail addresses, phone numbers and secrets.
 */
export function createLogger({ service, level, destination }: CreateLoggerOptions): Logger {
  const redacted = (fields: object) => redactFields(fields, pseudonymOf)
  const options: LoggerOptions = {
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: passThrough, error: passThrough },
    formatters: {
      level: (label) => ({ level: label }),
      bindings: redacted,
      log: redacted,
    },
    hooks: {
      logMethod(args, method, level) {
        redactMessage.call(this, args, method)
        if (level >= pino.levels.values.error!) destination?.flushSync?.()
      },
    },
  }
  const logger = destination === undefined ? pino(options) : pino(options, destination)
  // pino applies `formatters.bindings` to the first logger only. Children inherit this from it.
  const { child } = logger
  logger.child = function redactedChild(this: Logger, bindings: object, ...rest: unknown[]) {
    return Reflect.apply(child, this, [redacted(bindings), ...rest])
  } as typeof child
  return logger
}

/** The same key gives the same text in all services, and `syncctl trace` can make it from a known customer. */
export function pseudonymOf(key: string): string {
  return `#${createHash('sha256').update(key).digest('hex').slice(0, 12)}`
}

/** pino's own error serializer copies every property of an error, payloads too; `redactFields` has done its work by now. */
function passThrough(value: unknown): unknown {
  return value instanceof Error ? describeError(value) : value
}

/** Messages, and what is to be interpolated into them, are text: scrubbed, and objects are not taken. */
function redactMessage(this: Logger, args: Parameters<LogFn>, method: LogFn): void {
  const [first, ...rest] = args as unknown[]
  const safe = rest.map((arg) => (typeof arg === 'string' ? scrub(arg) : typeof arg === 'object' ? '[redacted]' : arg))
  // Without a message pino takes the error's, as it is.
  const error = first instanceof Error ? first : (first as { err?: unknown } | null)?.err
  if (error instanceof Error && safe[0] === undefined) safe[0] = errorText(error, error.message)
  const head = typeof first === 'string' ? scrub(first) : first
  method.apply(this, [head, ...safe] as unknown as Parameters<LogFn>)
}
