import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { envWithoutStack, sharedStack } from './stack.ts'

const MAIN = resolve(import.meta.dirname, '..', '..', 'chaos', 'src', 'main.ts')
const ARGS = '--minutes 1 --seed 20260101 --instances 2 --tenants 2 --customers 100 --rate 30'
const LIMIT_MS = 480_000

/** A stack of its own: it takes the broker and the registry down. */
it.runIf(sharedStack().mode === 'jvm')(
  'a minute of chaos leaves both systems as they should be',
  { timeout: LIMIT_MS },
  async () => {
    const { PATH, JAVA_HOME, SYNC_CACHE_DIR } = envWithoutStack()
    const child = spawn(process.execPath, [MAIN, ...ARGS.split(' ')], {
      env: { PATH, JAVA_HOME, SYNC_CACHE_DIR, TMPDIR: tmpdir(), SYNC_STACK: 'jvm' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    let text = ''
    for (const output of [child.stdout, child.stderr]) output.on('data', (chunk) => (text += chunk))

    const [code] = await once(child, 'close')

    // The whole table stands in the failure.
    expect(text).toMatch(/companies with their relations +\d+ +0 {2}ok/)
    expect({ code, text }).toMatchObject({ code: 0 })
  },
)
