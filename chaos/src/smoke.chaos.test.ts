import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

const MAIN = resolve(import.meta.dirname, 'main.ts')
/** A run that hangs gives up before this time and says for which condition it waits. */
const ENDS_WITHIN_MS = 14 * 60_000
/** One broker, because three brokers need more time than a slow machine has for a test. */
const ARGS = '--minutes 1 --seed 20260101 --brokers 1 --instances 2 --tenants 3 --customers 100 --rate 30'

it('a minute of chaos leaves both systems as they should be', async () => {
  const child = spawn(process.execPath, [MAIN, ...ARGS.split(' ')], { stdio: ['ignore', 'pipe', 'pipe'] })
  // Its processes and its stack end with it.
  onTestFinished(() => void child.kill('SIGKILL'))
  const late = setTimeout(() => child.kill('SIGTERM'), ENDS_WITHIN_MS)
  onTestFinished(() => clearTimeout(late))
  let text = ''
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (chunk) => {
      text += chunk
    })
  }

  const [code] = await once(child, 'close')

  // The whole table stands in the failure.
  expect(text).toMatch(/companies with their relations +\d+ +0 {2}ok/)
  expect({ code, text }).toMatchObject({ code: 0 })
})
