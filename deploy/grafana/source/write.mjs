// npx node deploy/grafana/source/write.mjs
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { files } from './all.mjs'

const folder = new URL('../dashboards/', import.meta.url)
mkdirSync(folder, { recursive: true })
for (const name of readdirSync(folder)) rmSync(new URL(name, folder))
for (const [name, text] of Object.entries(files)) writeFileSync(new URL(name, folder), text)
