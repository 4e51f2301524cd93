import { setMaxListeners } from 'node:events'
import { demoOptions, USAGE } from './demo/options.ts'
import { runDemo } from './demo/run.ts'
import { createScreen } from './demo/screen.ts'

/** `npm start`. Whatever way it ends, nothing that it started is left: its keepers see that it is gone. */
const EXIT = { usage: 64, interrupted: 130 } as const

const interrupted = new AbortController()
setMaxListeners(0, interrupted.signal)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (interrupted.signal.aborted) process.exit(EXIT.interrupted)
    interrupted.abort(new Error(`stopped by ${signal}`))
  })
}
// `npm start | head` closes the pipe: nobody is watching any more.
process.stdout.on('error', () => interrupted.abort(new Error('nobody reads')))

const optionsOrExit = () => {
  try {
    return demoOptions(process.argv.slice(2), process.env)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`)
    process.exit(EXIT.usage)
  }
}

const options = optionsOrExit()
if (options.help) {
  process.stdout.write(USAGE)
  process.exit(0)
}
const screen = createScreen(
  (text) => process.stdout.write(text),
  process.stdout.isTTY === true && !process.env.NO_COLOR,
)
const code = await runDemo(options, process.env, screen, interrupted.signal)
// A part that could not be stopped may hold the process; its keeper ends it once we are gone.
process.exit(code)
