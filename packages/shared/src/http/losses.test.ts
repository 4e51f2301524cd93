import { expect, test } from 'vitest'
import { createLosses } from './losses.ts'

const given = () => {
  let nowMs = 0
  const losses = createLosses(() => nowMs)
  const lose = (...keys: string[]) => {
    for (const key of keys) losses.lost('omnium/acme', key)
  }
  const pass = (ms: number) => {
    nowMs += ms
  }
  return { ...losses, lose, pass, may: () => losses.isLosing('omnium/acme') }
}

test('writes are given up once requests of three keys were lost within a minute', () => {
  const { lose, may, pass, isLosing } = given()
  lose('1', '1', '1', '2')
  expect(may()).toBe(false)
  pass(30_000)
  lose('3')
  expect(may()).toBe(true)
  expect(isLosing('omnium/bolt')).toBe(false)
  pass(30_000)
  expect(may()).toBe(false)
})

test('writes are not given up within a minute after one was answered late', () => {
  const { lose, late, may, pass } = given()
  late('omnium/acme')
  lose('1', '2', '3')
  expect(may()).toBe(false)
  pass(59_999)
  lose('1', '2', '3')
  expect(may()).toBe(false)
  pass(1)
  expect(may()).toBe(true)
})
