import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { CONTRACT_TOPICS } from '../kafka/topics.ts'
import { incompatibilities } from './compatibility.ts'
import { jsonSchemaOf } from './json-schema.ts'

/*
 * Writes contracts/schemas/*.json, the JSON Schemas as they were last released, from the zod contracts. Refuses a change
 * that could not read the records that are already on the topics. Run: node packages/shared/src/contracts/write-schemas.ts
 */
const folder = new URL('schemas/', import.meta.url)
mkdirSync(folder, { recursive: true })
let refused = false
for (const topic of CONTRACT_TOPICS) {
  const file = new URL(`${topic}.json`, folder)
  const schema = jsonSchemaOf(topic)
  const problems = incompatibilities(released(file) ?? schema, schema)
  if (problems.length > 0) {
    refused = true
    console.error(`${topic}: not backward compatible, so not written:\n  ${problems.join('\n  ')}`)
  } else {
    writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`)
  }
}
execFileSync('npx', ['biome', 'format', '--write', fileURLToPath(folder)], { stdio: 'inherit' })
if (refused) {
  console.error('Add fields as optional and keep the old ones, or give the topic a new version (v2).')
  process.exitCode = 1
}

function released(file: URL): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
