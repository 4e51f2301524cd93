import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { EXIT } from './exit.ts'
import { run } from './run.ts'

const ROOT = resolve(import.meta.dirname, '..', '..', '..')
const DOCUMENTS = ['README.md', 'docs/runbook.md', 'docs/architecture.md', 'CONTRIBUTING.md']

/** What follows `npx syncctl` on a line and its continuations, up to a pipe or the end of the code. */
const commandsOf = (text: string): string[] =>
  [...text.replaceAll(/\\\n\s+/g, '').matchAll(/npx syncctl ([^\n`|]+)/g)].map(([, args]) =>
    args!.trim().replace(/[.,:;]$/, ''),
  )

const CASES = DOCUMENTS.flatMap((document) =>
  commandsOf(readFileSync(resolve(ROOT, document), 'utf8'))
    .filter((command) => !/[…()[\]]/.test(command))
    .map((command) => [document, command] as const),
)

describe('a command that a document names', () => {
  it('is among several', () => {
    expect(CASES.length).toBeGreaterThan(30)
  })

  it.each(CASES)('in %s is one that there is: %s', async (_document, command) => {
    const said: string[] = []
    const terminal = { env: {}, isTTY: false, out: () => {}, err: (text: string) => void said.push(text) }

    const code = await run(command.split(/\s+/), terminal)

    // Its options are understood; what is missing here is the environment.
    expect([EXIT.ok, EXIT.config], said.join('')).toContain(code)
  })
})
