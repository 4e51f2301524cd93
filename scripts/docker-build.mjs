import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** What no rule of .dockerignore has to leave out for a walk through the folder to end soon. */
const SKIPPED = new Set(['.git', '.cache', 'node_modules'])

const patternOf = (line) => {
  const glob = line.replace(/^!/, '').replace(/^\//, '').replace(/\/$/, '')
  const source = glob.replace(/\*\*\/|\*\*|[*?]|[.+^${}()|[\]\\]/g, (part) => {
    if (part === '**/') return '(.*/)?'
    if (part === '**') return '.*'
    if (part === '*') return '[^/]*'
    return part === '?' ? '[^/]' : `\\${part}`
  })
  return { matches: new RegExp(`^${source}(/.*)?$`), ignores: !line.startsWith('!') }
}

/** Tells of a path whether `docker build` leaves it out: the last rule that matches it, or a folder above it, decides. */
export const readDockerignore = (text) => {
  const rules = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(patternOf)
  return (path) => rules.findLast(({ matches }) => matches.test(path))?.ignores ?? false
}

const filesIn = (root, folder = '') =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (!entry.isDirectory()) return [path]
    return SKIPPED.has(entry.name) ? [] : filesIn(root, path)
  })

/** The files of a folder that `docker build` gets to see. */
export const contextOf = (root) => {
  const isIgnored = readDockerignore(readFileSync(join(root, '.dockerignore'), 'utf8'))
  return filesIn(root).filter((path) => !isIgnored(path))
}

/** A Dockerfile's instructions in order, as `{ word, rest }`; comments gone, continued lines joined, ARGs filled in. */
export const instructionsOf = (text) => {
  const args = new Map()
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replace(/\\\n/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, word = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? []
      if (word === 'ARG') args.set(...rest.split('='))
      const filled = word === 'FROM' ? rest.replace(/\$\{(\w+)\}/g, (whole, name) => args.get(name) ?? whole) : rest
      return { word, rest: filled }
    })
}

/** The stages by name: what each begins with and its instructions. */
export const stagesOf = (text) => {
  const stages = new Map()
  let current = { steps: [] }
  for (const { word, rest } of instructionsOf(text)) {
    if (word === 'FROM') {
      const [from, , name] = rest.split(/\s+/)
      current = { from, steps: [] }
      stages.set(name, current)
    } else current.steps.push({ word, rest })
  }
  return stages
}

/**
 * The files that a stage has under its WORKDIR, made in `folder/<stage>`: its COPYs from the context as .dockerignore has
 * it and from other stages, and the RUNs that need nothing but npm and a shell. What the base image brings isn't there.
 */
export const buildStage = (root, folder, name, stages = stagesOf(readFileSync(join(root, 'Dockerfile'), 'utf8'))) => {
  const { from, steps } = stages.get(name)
  const target = join(folder, name)
  if (existsSync(target)) return target
  mkdirSync(target, { recursive: true })
  if (stages.has(from)) copy(buildStage(root, folder, from, stages), target)
  const context = contextOf(root)
  for (const { word, rest } of steps) {
    if (word === 'RUN' && /^(npm|rm) /.test(rest)) {
      execFileSync('sh', ['-c', rest], { cwd: target, stdio: ['ignore', 'ignore', 'pipe'] })
    }
    if (word !== 'COPY') continue
    const words = rest.split(/\s+/)
    const other = words[0].startsWith('--from=') ? words.shift().slice('--from='.length) : undefined
    const to = resolve(target, words.pop())
    if (other) copy(buildStage(root, folder, other, stages), to)
    else for (const source of words) copyFromContext(root, context, source, to)
  }
  return target
}

/** As links: tens of thousands of files would take longer than all the rest. */
const copy = (from, to) => execFileSync('cp', ['-al', `${from}/.`, to])

/** A folder's content goes into `to`; a file too, under its own name. */
const copyFromContext = (root, context, source, to) => {
  const isFolder = lstatSync(join(root, source)).isDirectory()
  const chosen = context.filter((path) => (isFolder ? path.startsWith(`${source}/`) : path === source))
  if (chosen.length === 0) throw new Error(`COPY ${source}: nothing of it is in the build's context`)
  for (const path of chosen) {
    const place = join(to, isFolder ? path.slice(source.length + 1) : path.split('/').at(-1))
    mkdirSync(dirname(place), { recursive: true })
    cpSync(join(root, path), place)
  }
}
