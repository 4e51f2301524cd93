import { devOptions, USAGE } from './dev/options.ts'
import { runDev } from './dev/run.ts'
import { interruptedBySignal } from './interrupted.ts'
import { optionsOrExit } from './options-or-exit.ts'
import { createScreen } from './screen.ts'

/** `npm run dev`. Whatever way it ends, nothing that it started is left: its keepers see that it is gone. */
const interrupted = interruptedBySignal()
const options = optionsOrExit(devOptions, USAGE)
const screen = createScreen(
  (text) => process.stdout.write(text),
  process.stdout.isTTY === true && !process.env.NO_COLOR,
)
const code = await runDev(options, process.env, screen, interrupted)
// A part that could not be stopped may hold the process; its keeper ends it once we are gone.
process.exit(code)
