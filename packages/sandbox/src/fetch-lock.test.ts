import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { isLockStale, LOCK_MAX_AGE_MS, type LockState, takeLock } from './fetch-lock.ts'

const holder = { pid: 7, host: 'here' }
const onlyAlive = (pid: number) => (candidate: number) => candidate === pid
const nobody = () => false

test.each<[string, LockState, (pid: number) => boolean, boolean]>([
  ['held by a process at work', { holder, ageMs: 1_000 }, onlyAlive(7), false],
  ['of a process that is gone', { holder, ageMs: 1_000 }, nobody, true],
  ['of another host, whose processes are not seen', { holder: { pid: 7, host: 'there' }, ageMs: 1_000 }, nobody, false],
  ['older than any fetch, its pid given to another', { holder, ageMs: LOCK_MAX_AGE_MS + 1 }, onlyAlive(7), true],
  ['without content yet', { holder: undefined, ageMs: 1_000 }, nobody, false],
  ['left without content', { holder: undefined, ageMs: 60_000 }, nobody, true],
])('a lock %s', (_, state, isAlive, stale) => {
  expect(isLockStale(state, 'here', isAlive)).toBe(stale)
})

const aLockPath = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fetch-lock-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'lock')
}

test('a lock has one holder until it is released', async () => {
  const path = await aLockPath()

  const first = await takeLock(path)
  const second = await takeLock(path)
  await first?.release()
  const third = await takeLock(path)

  expect(first).toBeDefined()
  expect(second).toBeUndefined()
  expect(third).toBeDefined()
})

test('a stale lock is taken over', async () => {
  const path = await aLockPath()
  await writeFile(path, '')
  await utimes(path, 0, 0)

  expect(await takeLock(path)).toBeDefined()
})
