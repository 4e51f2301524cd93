import { expect, test } from 'vitest'
import { anchorsOf, callsOf, codeIn, documents, fencesIn, linksIn } from './documents.mjs'

const DOCUMENT = `# A title

Run \`npm run a -- --b c\`, or [read](docs/x.md#part-1) and [more](https://example.com).

    npm run d \\
      -- --e

\`\`\`sh
npm run f -- --g | jq .   # not this
npm run h -- i > file
\`\`\`

\`\`\`json
{ "npm run j": "[k](l)" }
\`\`\`

   - a list's text with \`npm run m\`.

## Part: 1
## Part, 1 \`code\`
## Part, 1 [\`code\`](x)
`

test('the documents are found wherever they stand', () => {
  const paths = documents.map(({ path }) => path)

  expect(paths).toEqual(expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'docs/runbook.md', 'deploy/README.md']))
})

test('commands are found in spans, indented code and blocks of a shell, and in no others', () => {
  expect(callsOf('npm run', DOCUMENT)).toEqual(['f -- --g', 'h -- i', 'd -- --e', 'a -- --b c', 'm'])
})

test('blocks have their language', () => {
  expect(fencesIn(DOCUMENT).map(({ language }) => language)).toEqual(['sh', 'json'])
})

test('only links within the project are looked at', () => {
  expect(linksIn(DOCUMENT)).toEqual(['docs/x.md#part-1', 'x'])
})

test('anchors are those that GitHub makes', () => {
  expect(anchorsOf(DOCUMENT)).toEqual(['a-title', 'part-1', 'part-1-code', 'part-1-code-1'])
})

test('an indented list is no code', () => {
  expect(codeIn('text\n\n    - a point\n    1. another\n')).toEqual([])
})
