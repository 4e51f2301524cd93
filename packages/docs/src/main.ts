import { resolve } from 'node:path'
import { outdated, writeDocuments } from './documents.ts'

/* `npm run docs` writes every generated document; with `-- --check` it only says which are not what the code says. */
const ROOT = resolve(import.meta.dirname, '../../..')
const [option, ...rest] = process.argv.slice(2)
const isCheck = option === '--check'

if ((option !== undefined && !isCheck) || rest.length > 0) {
  console.error('usage: npm run docs [-- --check]')
  process.exitCode = 1
} else if (isCheck) {
  const files = await outdated(ROOT)
  for (const file of files) console.error(`${file} is not up to date; run: npm run docs`)
  process.exitCode = files.length > 0 ? 1 : 0
} else {
  for (const file of await writeDocuments(ROOT)) console.log(`${file} written`)
}
