import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SERVICES } from '@sync/shared/kafka/topics'
import { expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const { configurations, compounds, inputs } = JSON.parse(readFileSync(join(ROOT, '.vscode', 'launch.json'), 'utf8'))
const inProject = (path) => path.replace(/^\$\{workspaceFolder\}/, ROOT)

it('there is one launch configuration for each service, and one that starts them all', () => {
  const programs = configurations.map(({ program }) => program)

  for (const name of SERVICES) expect(programs).toContain(`\${workspaceFolder}/services/${name}/src/main.ts`)
  expect(compounds).toMatchObject([{ configurations: SERVICES }])
})

it.each(configurations.filter(({ request }) => request === 'launch'))('$name runs what is there', (configuration) => {
  const { program, runtimeExecutable, cwd } = configuration

  for (const path of [program, runtimeExecutable, cwd]) expect(existsSync(inProject(path)), path).toBe(true)
})

it('what is asked for before a start is asked for', () => {
  const asked = JSON.stringify(configurations).matchAll(/\$\{input:(\w+)\}/g)

  expect(inputs.map(({ id }) => id)).toEqual([...asked].map(([, id]) => id))
})
