import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { envLines, syncctlLines } from './env-lines.ts'

test('plain values stand as they are, one a line', () => {
  expect(envLines({ KAFKA_BROKERS: '127.0.0.1:20001', URL: 'http://127.0.0.1:1/apis/ccompat/v7' })).toBe(
    'export KAFKA_BROKERS=127.0.0.1:20001\nexport URL=http://127.0.0.1:1/apis/ccompat/v7\n',
  )
})

test.each([['with a space'], ["it's"], ['$HOME `id` "x" \\'], ['two\nlines'], ['']])(
  'a shell reads %j as it was',
  (value) => {
    const script = `${envLines({ VALUE: value })}printf %s "$VALUE"`

    expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' })).toBe(value)
  },
)

test('syncctl gets the environment of the services without the address of their webhooks', () => {
  expect(syncctlLines({ TENANTS_FILE: '/tmp/t', WEBHOOK_SECRET: 'a secret', HTTP_HOST: '127.0.0.1' })).toEqual([
    'export TENANTS_FILE=/tmp/t',
    "export WEBHOOK_SECRET='a secret'",
  ])
})
