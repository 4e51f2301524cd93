import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { exitCodeOf, oncePerPress } from './child.mjs'

const CHILD = JSON.stringify(new URL('./child.mjs', import.meta.url).href)

/** A process that runs `code` by the module under test, and exits with its code. */
const running = (code) => {
  const program = `const { run } = await import(${CHILD}); process.exitCode = await run('/', process.execPath, ['--eval', ${JSON.stringify(code)}])`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGTERM'))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return { child, line: async () => (await lines.next()).value, exited: once(child, 'exit') }
}

const STAYS = `setInterval(() => {}, 1000); console.log('up');`

test('the exit code of a command is passed on', async () => {
  const { exited } = running('process.exit(7)')

  expect(await exited).toEqual([7, null])
})

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
])('%s is passed on, and ends both', async (signal, code) => {
  const { child, line, exited } = running(STAYS)
  await line()

  child.kill(signal)

  expect(await exited).toEqual([code, null])
})

test('one press of Ctrl-C counts once, however many copies of it arrive, and the next press counts again', () => {
  const sent = []
  let now = 0
  const forward = oncePerPress(
    (signal) => sent.push(signal),
    () => now,
  )

  forward('SIGINT')
  now = 20
  forward('SIGINT')
  forward('SIGTERM')
  now = 1_000
  forward('SIGINT')

  expect(sent).toEqual(['SIGINT', 'SIGTERM', 'SIGINT'])
})

test('an exit by a signal has the code that a shell gives it', () => {
  expect(exitCodeOf(null, 'SIGKILL')).toBe(137)
  expect(exitCodeOf(3, null)).toBe(3)
})
