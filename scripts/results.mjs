import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

const RESULTS = '.test-results'

/** The folders that may hold results: the root and every workspace. */
const foldersOf = (root) => {
  const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const expand = (pattern) => {
    if (!pattern.endsWith('/*')) return [join(root, pattern)]
    const parent = join(root, pattern.slice(0, -2))
    return readdirSync(parent).map((name) => join(parent, name))
  }
  return [root, ...workspaces.flatMap(expand)]
}

const summaryFile = (root) => join(root, RESULTS, 'summary.json')

export const removeResults = (root) => {
  for (const folder of foldersOf(root)) rmSync(join(folder, RESULTS), { recursive: true, force: true })
}

const readReport = (file) => {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

const reportsIn = (folder) => {
  const names = existsSync(folder) ? readdirSync(folder) : []
  return names.filter((name) => /^vitest.*\.json$/.test(name)).map((name) => readReport(join(folder, name)))
}

/** Every report of vitest that a run has left. */
export const readReports = (root) =>
  foldersOf(root)
    .flatMap((folder) => reportsIn(join(folder, RESULTS)))
    .filter((report) => report !== undefined)

/** A test file that could not even be loaded has no failed test; it counts as one. */
const failedIn = ({ numFailedTests, testResults }) =>
  numFailedTests + testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0)

/**
 * What a run comes to. `steps` are `{ name, ok, isTests }`, the reports all that they left: a step that failed counts at
 * least once, so one of tests counts itself only when no report knows of a failure. No test at all is a failure.
 */
export const summarize = (steps, reports) => {
  const passed = sum(reports.map(({ numPassedTests }) => numPassedTests))
  const failedTests = sum(reports.map(failedIn))
  const broken = steps.filter(({ ok, isTests }) => !ok && (!isTests || failedTests === 0))
  const failed = failedTests + broken.length
  return { passed, failed: passed + failed === 0 ? 1 : failed, steps: steps.map(({ name, ok }) => ({ name, ok })) }
}

const MESSAGE_LINES = 12

const titled = (root, { name }, title, messages) => {
  const lines = messages.join('\n').split('\n').slice(0, MESSAGE_LINES)
  return [`FAILED ${relative(root, name)}${title}`, ...lines.map((line) => `    ${line}`)].join('\n')
}

const failuresOf = (root, file) => {
  const failed = file.assertionResults.filter(({ status }) => status === 'failed')
  if (file.status === 'failed' && failed.length === 0) return [titled(root, file, '', [file.message])]
  return failed.map(({ fullName, failureMessages }) => titled(root, file, ` > ${fullName}`, failureMessages))
}

/** Each failed test, or file that could not be loaded, with the beginning of what it said: a long log shows its end. */
export const failures = (root, reports) =>
  reports.flatMap(({ testResults }) => testResults.flatMap((file) => failuresOf(root, file)))

export const writeSummary = (root, summary) => {
  mkdirSync(dirname(summaryFile(root)), { recursive: true })
  writeFileSync(summaryFile(root), `${JSON.stringify(summary, null, 2)}\n`)
}

/** A run that did not get as far as its summary has failed. */
export const readSummary = (root) => readReport(summaryFile(root)) ?? { passed: 0, failed: 1, steps: [] }

export const closingLine = ({ passed, failed }) => `${passed} passed, ${failed} failed`
