import { expect, it } from 'vitest'
import { reasonInLog } from './reason-in-log.ts'

const entry = (fields: object) => JSON.stringify({ time: 'now', service: 'x', ...fields })

it.each([
  ['nothing', '', ''],
  ['only what goes well', entry({ level: 'info', msg: 'ready' }), ''],
  [
    'the last error, with its cause',
    [
      entry({ level: 'error', msg: 'first' }),
      entry({ level: 'fatal', msg: 'cannot go on', err: { message: 'no broker' } }),
      entry({ level: 'info', msg: 'stopping' }),
    ].join('\n'),
    ': cannot go on: no broker',
  ],
  ['the error that Node prints', 'file:///x.ts:3\n\nError: broken\n    at x.ts:3:1\n\nNode.js v26', ': Error: broken'],
  [
    'the first lines of other text',
    'x: the configuration is not valid\n  A: must be set\n',
    ': x: the configuration is not valid;   A: must be set',
  ],
  ['JSON that is no entry', 'null\n1', ': null; 1'],
])('a log that says %s', (_case, log, reason) => {
  expect(reasonInLog(log)).toBe(reason)
})

it('a long reason is cut', () => {
  expect(reasonInLog('x'.repeat(10_000)).length).toBeLessThan(400)
})
