import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { adminApi } from './admin-api.ts'
import { asyncApi } from './asyncapi.ts'
import { metricsDocument } from './metrics-document.ts'
import { webhooksApi } from './webhooks-api.ts'
import { asYaml } from './yaml.ts'

/** A file that is made from the code, by its path from the root of the repository. */
export interface Document {
  readonly file: string
  readonly render: () => string | Promise<string>
}

/** What `npm run docs` writes. */
export const DOCUMENTS: readonly Document[] = [
  { file: 'docs/api/asyncapi.yaml', render: () => asYaml(asyncApi()) },
  { file: 'docs/api/openapi.yaml', render: () => asYaml(webhooksApi()) },
  { file: 'docs/api/openapi-admin.yaml', render: () => asYaml(adminApi()) },
  { file: 'docs/metrics.md', render: metricsDocument },
]

/** The files that are missing, or are not what the code says. */
export async function outdated(root: string, documents = DOCUMENTS): Promise<string[]> {
  const files: string[] = []
  for (const { file, render } of documents) {
    if (readText(join(root, file)) !== (await render())) files.push(file)
  }
  return files
}

/** Writes those that are not up to date, and returns them. */
export async function writeDocuments(root: string, documents = DOCUMENTS): Promise<string[]> {
  const files = await outdated(root, documents)
  for (const { file, render } of documents) {
    if (!files.includes(file)) continue
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), await render())
  }
  return files
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
