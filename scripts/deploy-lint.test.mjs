import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findTools } from './find-tool.mjs'

const ROOT = resolve(import.meta.dirname, '..')
const shellScripts = ['scripts', 'deploy/kafka']
  .flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`))
  .filter((path) => path.endsWith('.sh'))

describe.each([
  ['hadolint', ['Dockerfile']],
  ['shellcheck', ['.ci/run', ...shellScripts]],
])('%s', (name, files) => {
  const [program] = findTools(name)
  const unless = program ? '' : ' (skipped: it is not installed; scripts/fetch-tools.sh fetches it)'

  it.skipIf(!program)(`finds nothing to mend in ${files.join(', ')}${unless}`, () => {
    const { status, stdout, stderr } = spawnSync(program, files, { cwd: ROOT, encoding: 'utf8' })

    expect(stdout + stderr).toBe('')
    expect(status).toBe(0)
  })
})
