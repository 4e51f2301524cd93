import { parseArgs } from 'node:util'
import { demoOptions } from '@sync/sandbox/demo/options'
import { startSystem } from '@sync/sandbox/demo/system'
import { createScreen } from '@sync/sandbox/screen'

/**
 * `npm run bench -- idle [--seconds 30]`: the four services with nothing to do, on a stack of their own; prints what each
 * takes of a core, by its own `process_cpu_seconds_total`, and its memory.
 */
export async function idle(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { seconds: { type: 'string', default: '30' } } })
  const seconds = Number(values.seconds)
  const screen = createScreen((text) => process.stderr.write(text), false)
  const stops: (() => Promise<unknown>)[] = []
  try {
    const { services } = await startSystem(demoOptions([], process.env), process.env, screen, stops)
    await elapsed(SETTLE_SECONDS)
    const before = await readAll(services.places)
    await elapsed(seconds)
    const after = await readAll(services.places)
    console.table(
      [...after].map(([service, { cpuSeconds, rssBytes }]) => ({
        service,
        '% of a core': round(((cpuSeconds - before.get(service)!.cpuSeconds) / seconds) * 100),
        'RSS MB': Math.round(rssBytes / 1e6),
      })),
    )
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

/** What a start leaves to do (JIT, first look-ups) is not idleness. */
const SETTLE_SECONDS = 5
const round = (value: number) => Math.round(value * 100) / 100
const elapsed = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

async function readAll<S>(places: ReadonlyMap<S, { readonly adminUrl: string }>) {
  return new Map(
    await Promise.all(
      [...places].map(async ([service, { adminUrl }]) => {
        const text = await (await fetch(`${adminUrl}/metrics`)).text()
        const metricOf = (name: string) => {
          const value = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)`, 'm').exec(text)?.[1]
          if (value === undefined) throw new Error(`${String(service)} tells no ${name}`)
          return Number(value)
        }
        const read = {
          cpuSeconds: metricOf('process_cpu_seconds_total'),
          rssBytes: metricOf('process_resident_memory_bytes'),
        }
        return [service, read] as const
      }),
    ),
  )
}
