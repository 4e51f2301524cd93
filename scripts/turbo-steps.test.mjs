import { expect, test } from 'vitest'
import { failedTasks } from './turbo-steps.mjs'

const aTask = (taskId, exitCode) => ({ taskId, execution: { exitCode } })

test('each task that failed is a step of its own', () => {
  const tasks = [aTask('@sync/cli#lint', 1), aTask('@sync/cli#test', 0), aTask('@sync/shared#test', 1)]

  expect(failedTasks({ tasks })).toEqual([
    { name: '@sync/cli lint', ok: false, isTests: false },
    { name: '@sync/shared test', ok: false, isTests: true },
  ])
})

test('a task that never ran is no failure of its own', () => {
  expect(failedTasks({ tasks: [{ taskId: '@sync/cli#test' }] })).toEqual([])
})
