import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

const PRELOAD = join(import.meta.dirname, 'clock-preload.ts')
const HOUR_MS = 3_600_000

async function program(script: string, offsetMs: number | null) {
  const folder = await mkdtemp(join(tmpdir(), 'chaos-clock-'))
  const file = join(folder, 'offset')
  if (offsetMs !== null) await writeFile(file, String(offsetMs))
  const env = { PATH: process.env.PATH, CLOCK_OFFSET_FILE: file }
  const child = spawn(process.execPath, ['--import', PRELOAD, '-e', script], { env })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await rm(folder, { recursive: true })
  })
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  return { file, child, output: () => text }
}

const PRINT = `console.log(JSON.stringify({
  now: Date.now(), date: new Date().getTime(), text: Date.parse(Date()), given: new Date(5).getTime(),
  isDate: new Date() instanceof Date, steady: Math.round(performance.timeOrigin + performance.now()) }))`

it('the wall clock of a program is off as the file says, and its steady clock is not', async () => {
  const { child, output } = await program(PRINT, -HOUR_MS)
  await once(child, 'close')

  const seen = JSON.parse(output())
  expect(seen).toMatchObject({ given: 5, isDate: true })
  for (const wall of [seen.now, seen.date, seen.text])
    expect(Math.abs(wall - seen.steady + HOUR_MS)).toBeLessThan(10_000)
})

it('the wall clock of a running program steps when the file changes', async () => {
  const { child, file } = await program(
    `const before = Date.now(); console.log('ready')
     setInterval(() => { if (Date.now() - before > ${HOUR_MS / 2}) process.exit(7) }, 10)`,
    null,
  )
  await once(child.stdout, 'data')

  await writeFile(file, String(HOUR_MS))

  expect(await once(child, 'close')).toEqual([7, null])
})
