import { readOptions } from './options.ts'
import { runChaos } from './run.ts'

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => interrupted.abort(new Error(`interrupted by ${signal}`)))
}

try {
  const options = readOptions(process.argv.slice(2), Math.floor(Math.random() * 1e9))
  process.exitCode = (await runChaos(options, (line) => console.log(line), interrupted.signal)) ? 0 : 1
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
// What a fault that was cut short has left, a connection or a timer, must not keep a run that is over.
process.exit()
