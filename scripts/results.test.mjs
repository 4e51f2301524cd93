import { describe, expect, test } from 'vitest'
import { closingLine, summarize } from './results.mjs'

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
