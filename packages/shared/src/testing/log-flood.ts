import { writeFileSync } from 'node:fs'
import { createLogOutput, writeSomeTo } from '../log-output.ts'
import { createLogger } from '../logger.ts'

/** A process that logs many lines and ends at once: `log-flood.ts LINES RESULT_FILE`. It exits 3, as after a crash. */
const [, , lines, resultFile] = process.argv
const output = createLogOutput(writeSomeTo(1))
const errorOutput = createLogOutput(writeSomeTo(2))
process.on('exit', () => output.flushWithin(1_000))
const logger = createLogger({ service: 'test', level: 'debug', destination: output })
const startedAt = performance.now()

for (let count = 0; count < Number(lines); count++) {
  logger.debug({ count }, 'a line')
  errorOutput.write('a line of an error\n')
}
logger.fatal('the last line')
writeFileSync(resultFile!, JSON.stringify({ dropped: output.droppedLines(), blockedMs: performance.now() - startedAt }))
process.exit(3)
