import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { findPrograms } from '@sync/e2e/find-programs'
import { describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '..')
const shellScripts = ['scripts', 'deploy/kafka']
  .flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`))
  .filter((path) => path.endsWith('.sh'))

describe.each([
  ['hadolint', ['Dockerfile']],
  ['shellcheck', ['.ci/run', ...shellScripts]],
])('%s', (name, files) => {
  const [program] = findPrograms(name)
  const unless = program ? '' : ' (skipped: it is not installed; scripts/fetch-tools.sh fetches it)'

  it.skipIf(!program)(`finds nothing to mend in ${files.join(', ')}${unless}`, () => {
    const { status, stdout, stderr } = spawnSync(program, files, { cwd: ROOT, encoding: 'utf8' })

    expect(stdout + stderr).toBe('')
    expect(status).toBe(0)
  })
})
