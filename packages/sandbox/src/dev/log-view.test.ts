import { expect, test } from 'vitest'
import { createLogView } from './log-view.ts'

const aLine = (fields: object) =>
  JSON.stringify({ level: 'info', time: '2026-11-25T08:00:01.234Z', service: 'flow-ingest', ...fields })

test('a log line is told with its service, time, level, message and fields, on one line', () => {
  const view = createLogView(false)

  const text = view('flow-ingest', aLine({ topic: 'flow.customers.v1', msg: 'a record ended' }))

  expect(text).toMatch(/^flow-ingest {6}\[\d\d:\d\d:01\.234\] INFO: a record ended \{"topic":"flow\.customers\.v1"\}$/)
})

test('an error has its stack, and each of its lines the service', () => {
  const view = createLogView(false)

  const text = view(
    'flow-ingest',
    aLine({ level: 'error', err: { type: 'Error', message: 'no', stack: 'Error: no\n    at here' }, msg: 'failed' }),
  )

  expect(text.split('\n').every((line) => line.startsWith('flow-ingest '))).toBe(true)
  expect(text).toContain('at here')
})

test('what is no log line is told as it is', () => {
  const view = createLogView(false)

  expect(view('customer-mapper', "Restarting 'main.ts'")).toBe("customer-mapper  Restarting 'main.ts'")
  expect(view('customer-mapper', '')).toBe('customer-mapper')
})

test('colours come only where they are wanted', () => {
  expect(createLogView(true)('flow-ingest', 'plain')).toContain('\u001b[')
  expect(createLogView(false)('flow-ingest', aLine({ msg: 'plain' }))).not.toContain('\u001b[')
})
