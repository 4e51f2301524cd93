import { runSoak } from './soak.ts'
import { readSoakOptions, USAGE } from './soak-options.ts'

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => interrupted.abort(new Error(`interrupted by ${signal}`)))
}

try {
  process.exitCode = (await runSoak(
    readSoakOptions(process.argv.slice(2)),
    (line) => console.log(line),
    interrupted.signal,
  ))
    ? 0
    : 1
} catch (error) {
  console.error(`${(error as Error).message}\n${USAGE}`)
  process.exitCode = 1
}
// What a fault that was cut short has left, a connection or a timer, must not keep a run that is over.
process.exit()
