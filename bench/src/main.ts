type Bench = (args: readonly string[]) => Promise<void>

/** Each is loaded by itself: what another one needs would stand in its memory. */
const BENCHES: Readonly<Record<string, () => Promise<Bench>>> = {
  'keyed-sink': async () => (await import('./keyed-sink.ts')).keyedSink,
  ingest: async () => (await import('./ingest.ts')).ingest,
  'end-to-end': async () => (await import('./end-to-end.ts')).endToEnd,
  replay: async () => (await import('./replay.ts')).replay,
  reconcile: async () => (await import('./reconcile.ts')).reconcile,
  limits: async () => (await import('./limits.ts')).limits,
  brownout: async () => (await import('./brownout.ts')).brownout,
  scrape: async () => (await import('./scrape.ts')).scrape,
  idle: async () => (await import('./idle.ts')).idle,
}

const [name = '', ...args] = process.argv.slice(2)
const bench = BENCHES[name]
if (bench === undefined) {
  console.error(`usage: npm run bench -- ${Object.keys(BENCHES).join(' | ')} [options]`)
  process.exitCode = 64
} else {
  await bench()
    .then((run) => run(args))
    .catch((error: unknown) => {
      console.error(error instanceof Error ? error.message : error)
      // What is still connected must not keep a run that has failed.
      process.exit(1)
    })
}
