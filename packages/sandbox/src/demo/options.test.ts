import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { demoOptions } from './options.ts'

it('without arguments the demo stays, with the services of the project and no prefix of its own', () => {
  expect(demoOptions([], {})).toEqual({
    exit: false,
    help: false,
    servicesDir: resolve(import.meta.dirname, '../../../../services'),
    prefix: undefined,
  })
})

it('the environment names other services and a prefix; empty is unset', () => {
  expect(demoOptions(['--exit'], { SYNC_SERVICES_DIR: '/x', TOPIC_PREFIX: 'p.' })).toMatchObject({
    exit: true,
    servicesDir: '/x',
    prefix: 'p.',
  })
  expect(demoOptions([], { TOPIC_PREFIX: '' }).prefix).toBeUndefined()
})

it.each([['--exti'], ['now']])('%s is refused', (argument) => {
  expect(() => demoOptions([argument], {})).toThrow(TypeError)
})
