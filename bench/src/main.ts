import { endToEnd } from './end-to-end.ts'
import { idle } from './idle.ts'
import { ingest } from './ingest.ts'
import { keyedSink } from './keyed-sink.ts'

const BENCHES: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  'keyed-sink': keyedSink,
  ingest,
  'end-to-end': endToEnd,
  idle,
}

const [name = '', ...args] = process.argv.slice(2)
const bench = BENCHES[name]
if (bench === undefined) {
  console.error(`usage: npm run bench -- ${Object.keys(BENCHES).join(' | ')} [options]`)
  process.exitCode = 64
} else {
  await bench(args).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    // What is still connected must not keep a run that has failed.
    process.exit(1)
  })
}
