import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { closingLine, readSummary } from './results.mjs'

/** Prints what the last `npm test` came to; fails when that was a failure, or never came to an end. */
const summary = readSummary(dirname(dirname(fileURLToPath(import.meta.url))))
console.log(closingLine(summary))
process.exitCode = summary.failed === 0 ? 0 : 1
