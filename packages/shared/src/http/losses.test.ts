import { expect, test } from 'vitest'
import { createManualTime } from '../testing/manual-time.ts'
import { createLosses } from './losses.ts'

const PLACE = 'omnium/acme'
const given = () => {
  const time = createManualTime(0)
  const losses = createLosses(time.now, time.schedule)
  const lose = (...keys: string[]) => {
    for (const key of keys) losses.lost(PLACE, key)
  }
  /** A read that was listened to gets no answer. */
  const listen = async () => {
    const told = losses.scout(PLACE)!
    await time.advance(1_500)
    told(false)
  }
  return { ...losses, lose, listen, pass: time.advance, is: () => losses.isLosing(PLACE) }
}

test('a target loses requests once those of three keys were lost within a minute, and a read had no answer for 1.5 s', async () => {
  const { lose, listen, is, pass, isLosing } = given()
  lose('1', '1', '1', '2')
  await listen()
  expect(is()).toBe(false)
  lose('3')
  expect(is()).toBe(true)
  expect(isLosing('omnium/bolt')).toBe(false)
  await pass(59_000)
  expect(is()).toBe(false)
})

test('lost requests alone do not show that their answers would not have come late', async () => {
  const { lose, scout, is, pass } = given()
  lose('1', '2', '3')
  expect(is()).toBe(false)
  const told = scout(PLACE)!
  await pass(1_499)
  told(true)
  await pass(10_000)
  lose('1', '2', '3')
  expect(is()).toBe(false)
})

test('an answer to a read that was listened to, and each answer after a second, says for ten minutes that the target is late', async () => {
  for (const how of ['listened to', 'answered'] as const) {
    const { lose, listen, scout, answered, is, pass } = given()
    lose('1', '2', '3')
    await listen()
    expect(is()).toBe(true)
    if (how === 'answered') answered(PLACE, 1_000)
    else {
      const told = scout(PLACE)!
      await pass(3_000)
      told(true)
    }
    expect(is()).toBe(false)
    await pass(590_000)
    await listen()
    lose('1', '2', '3')
    expect(is()).toBe(false)
    await pass(10_000)
    expect(is()).toBe(true)
  }
})

test('fewer than one lost request in forty is the long tail of a target', async () => {
  const { lose, listen, answered, is } = given()
  lose('1', '2')
  for (let i = 0; i < 98; i++) answered(PLACE, 20)
  await listen()
  lose('3')
  expect(is()).toBe(false)
  lose('4', '5')
  expect(is()).toBe(true)
})

test('one read at a time is listened to', async () => {
  const { scout } = given()
  const told = scout(PLACE)!
  expect(scout(PLACE)).toBeNull()
  told(false)
  expect(scout(PLACE)).not.toBeNull()
})
