import { startStack } from './stack.ts'

/** Runs a stack until a signal ends it, and prints one line of JSON when it is ready. */
const stack = await startStack({ log: (message) => console.error(message) }).catch((error: Error) => {
  console.error(error.message)
  process.exit(1)
})
const { mode, brokers, registryUrl, local } = stack
console.log(JSON.stringify({ mode, brokers, registryUrl, dataFolder: local?.dataFolder, pids: local?.pids() }))

// A given or a containers' stack leaves nothing that would keep this process alive.
const awake = setInterval(() => {}, 2 ** 30)
const stop = async () => {
  clearInterval(awake)
  await stack.stop()
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
