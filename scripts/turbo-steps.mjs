import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** The steps of a run that turbo was told to summarize: one for each task that failed, `isTests` if it ran tests. */
export const failedTasks = ({ tasks }) =>
  tasks
    .filter(({ execution }) => execution !== undefined && execution.exitCode !== 0)
    .map(({ taskId }) => ({ name: taskId.replace('#', ' '), ok: false, isTests: taskId.endsWith('#test') }))

const runsFolder = (root) => join(root, '.turbo', 'runs')

export const removeRuns = (root) => rmSync(runsFolder(root), { recursive: true, force: true })

/** What became of `turbo run`, from the summary it left; without one, from its exit code alone. */
export const turboSteps = (root, name, exitCode) => {
  let failed = []
  try {
    const [file] = readdirSync(runsFolder(root))
    failed = failedTasks(JSON.parse(readFileSync(join(runsFolder(root), file), 'utf8')))
  } catch {
    // No summary: it did not get that far.
  }
  if (exitCode === 0) return [{ name, ok: true, isTests: true }]
  return failed.length > 0 ? failed : [{ name, ok: false, isTests: false }]
}
