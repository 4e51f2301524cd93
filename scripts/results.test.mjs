import { describe, expect, test } from 'vitest'
import { closingLine, failures, summarize } from './results.mjs'

const aReport = (numPassedTests, numFailedTests, testResults = []) => ({ numPassedTests, numFailedTests, testResults })
const ok = { name: 'unit', ok: true, isTests: true }
const broken = { name: 'unit', ok: false, isTests: true }
const brokenLint = { name: 'lint', ok: false, isTests: false }
const unloadable = { status: 'failed', assertionResults: [] }

describe('what a run comes to', () => {
  test.each([
    ['adds up all reports', [ok], [aReport(3, 0), aReport(4, 0)], '7 passed, 0 failed'],
    ['counts each failed test', [broken], [aReport(3, 2), aReport(4, 1)], '7 passed, 3 failed'],
    ['counts a lint that failed', [ok, brokenLint], [aReport(3, 0)], '3 passed, 1 failed'],
    ['counts a lint that failed beside a test', [broken, brokenLint], [aReport(3, 1)], '3 passed, 2 failed'],
    ['counts a file that could not be loaded', [broken], [aReport(3, 0, [unloadable])], '3 passed, 1 failed'],
    ['counts a crash that no report knows of', [broken], [aReport(3, 0)], '3 passed, 1 failed'],
    ['counts no test at all as a failure', [ok], [aReport(0, 0)], '0 passed, 1 failed'],
    ['counts no report at all as a failure', [], [], '0 passed, 1 failed'],
  ])('%s', (_, steps, reports, line) => {
    expect(closingLine(summarize(steps, reports))).toBe(line)
  })
})

describe('what a run shows again at its end', () => {
  const failed = {
    status: 'failed',
    fullName: 'a queue keeps its order',
    failureMessages: ['Error: 1 2\n    at x.ts:1'],
  }
  const aFile = (more) => ({ name: '/root/packages/a/b.test.ts', status: 'failed', assertionResults: [], ...more })
  const shown = (...files) => failures('/root', [aReport(1, 1, files)])

  test('is each failed test with its file and what it said', () => {
    const passed = { status: 'passed', fullName: 'a queue is empty', failureMessages: [] }
    expect(shown(aFile({ assertionResults: [passed, failed] }))).toEqual([
      'FAILED packages/a/b.test.ts > a queue keeps its order\n    Error: 1 2\n        at x.ts:1',
    ])
  })

  test('is a file that could not be loaded', () => {
    expect(shown(aFile({ message: 'no such module' }))).toEqual(['FAILED packages/a/b.test.ts\n    no such module'])
  })

  test('is the beginning of a long message', () => {
    const long = { ...failed, failureMessages: ['line\n'.repeat(500)] }
    expect(shown(aFile({ assertionResults: [long] }))[0].split('\n').length).toBe(13)
  })

  test('is nothing of what passed', () => {
    expect(shown(aFile({ status: 'passed' }))).toEqual([])
  })
})
