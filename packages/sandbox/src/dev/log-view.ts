import { styleText } from 'node:util'
import { SERVICES, type ServiceName } from '@sync/shared/kafka/topics'
import { prettyFactory } from 'pino-pretty'

const COLOURS = {
  'flow-ingest': 'cyan',
  'omnium-ingest': 'magenta',
  'customer-mapper': 'green',
  'relation-manager': 'blue',
} as const satisfies Record<ServiceName, string>
const WIDTH = Math.max(...SERVICES.map((service) => service.length))

/** Makes a service's log line readable: its name before it, a JSON line laid out, what is none left as it is. */
export function createLogView(hasColours: boolean): (service: ServiceName, line: string) => string {
  const pretty = prettyFactory({
    colorize: hasColours,
    colorizeObjects: false,
    ignore: 'pid,hostname,service',
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
  })
  const nameOf = (service: ServiceName) => {
    const name = service.padEnd(WIDTH)
    return hasColours ? styleText(COLOURS[service], name, { validateStream: false }) : name
  }
  return (service, line) =>
    pretty(line)
      .trimEnd()
      .split('\n')
      .map((part) => `${nameOf(service)} ${part}`.trimEnd())
      .join('\n')
}
