import { describe, expect, it } from 'vitest'
import { columns, createScreen, duration, wrapped } from './screen.ts'

const told = (hasColours: boolean, tell: (screen: ReturnType<typeof createScreen>) => void) => {
  let text = ''
  tell(
    createScreen((written) => {
      text += written
    }, hasColours),
  )
  return text
}

describe('the screen', () => {
  it('tells a scene and what came of it', () => {
    const text = told(false, (screen) => {
      screen.scene('09:00', 'Kari registers')
      screen.effect('in Omnium', 41.4)
      screen.failure('in Flow', 'not within 30 s')
      screen.detail('one\ntwo')
    })

    expect(text.split('\n')).toEqual([
      '',
      '09:00  Kari registers',
      '       ✓ in Omnium after 41 ms',
      '       ✗ in Flow',
      '         not within 30 s',
      '       one',
      '       two',
      '',
    ])
  })

  it('has colours only where they are welcome', () => {
    const tell = (screen: ReturnType<typeof createScreen>) => screen.scene('09:00', 'Kari registers')

    expect(told(false, tell)).not.toContain('\u001b')
    expect(told(true, tell)).toContain('\u001b')
  })

  it('breaks a long reason into lines of at most 100 columns', () => {
    const text = told(false, (screen) => screen.failure('in Omnium', 'word '.repeat(100)))

    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100)
  })
})

it('columns are aligned, to the right where asked', () => {
  const rows = [
    ['a', 'bb', '1'],
    ['aaa', 'b', '22'],
  ]

  expect(columns(rows, new Set([2]))).toEqual(['a    bb   1', 'aaa  b   22'])
})

it('a word longer than the line gets its own', () => {
  expect(wrapped('a bcdefg h', 3)).toEqual(['a', 'bcdefg', 'h'])
})

it.each([
  [0, '0 ms'],
  [41.5, '42 ms'],
  [9_999, '9999 ms'],
  [12_345, '12.3 s'],
])('%d ms is shown as %s', (ms, text) => {
  expect(duration(ms)).toBe(text)
})
