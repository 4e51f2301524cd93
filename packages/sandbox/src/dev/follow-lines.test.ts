import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { followLines } from './follow-lines.ts'

const aLog = () => {
  const folder = mkdtempSync(join(tmpdir(), 'follow-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'log')
  const told: string[] = []
  const follow = () => {
    const following = followLines(file, (line) => told.push(line))
    onTestFinished(() => following.stop())
    return following
  }
  return { told, follow, append: (text: string | Buffer) => appendFileSync(file, text) }
}

test('a log is told from its beginning and as it grows, although it comes later', async () => {
  const { told, follow, append } = aLog()
  follow()

  append('one\ntwo\n')
  await expect.poll(() => told).toEqual(['one', 'two'])
  append('three\n')

  await expect.poll(() => told).toEqual(['one', 'two', 'three'])
})

test('a line is told once it is whole, wherever its bytes were cut', async () => {
  const { told, follow, append } = aLog()
  const bytes = Buffer.from('Å\n')
  follow()

  append('first\n')
  append(bytes.subarray(0, 1))
  await expect.poll(() => told).toEqual(['first'])
  append(bytes.subarray(1))

  await expect.poll(() => told).toEqual(['first', 'Å'])
})

test('the end tells what has come, and nothing after it', () => {
  const { told, follow, append } = aLog()
  append('one\nhalf')
  const following = follow()

  following.stop()
  append(' of it\n')
  following.stop()

  expect(told).toEqual(['one', 'half'])
})
