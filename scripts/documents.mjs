import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '..')

/** The documents of the project, as `{ path, text }`, their paths from its folder. */
export const documents = globSync(['*.md', 'docs/**/*.md', 'deploy/**/*.md', '.github/**/*.md'], { cwd: ROOT })
  .sort()
  .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))

const FENCE = /^ *```(\w*)[^\n]*\n([\s\S]*?)^ *```/gm

/** The fenced blocks of a text, as `{ language, code }`. */
export const fencesIn = (text) =>
  [...text.matchAll(FENCE)].map(([, language, code]) => ({ language, code: code.replace(/^ +$/gm, '') }))

/** Lines that are indented like code, after an empty line or after each other. */
const indentedIn = (text) => [...text.matchAll(/\n\n((?: {4,}(?![-*] |\d+\. )[^\n]+\n)+)/g)].map(([, code]) => code)

/**
 * Everything in a text that is written as code and may be a command: blocks in no language or a shell's, with the lines
 * that a backslash continues in one, and spans.
 */
export const codeIn = (text) => {
  const prose = text.replace(FENCE, '\n')
  const blocks = fencesIn(text).filter(({ language }) => ['', 'sh', 'bash', 'shell', 'console'].includes(language))
  const spans = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, span]) => span)
  return [...blocks.map(({ code }) => code), ...indentedIn(prose), ...spans].map((code) =>
    code.replaceAll(/\\\n\s*/g, ''),
  )
}

/** What follows `command` in a document's code, one for each time, up to a pipe, a comment or the end of the line. */
export const callsOf = (command, text) =>
  codeIn(text)
    .flatMap((code) => [...code.matchAll(new RegExp(`(?:^|[\\s(])${command}(?=\\s|$)([^\\n|#>&]*)`, 'gm'))])
    .map(([, args]) => args.trim().replace(/[.,:;]$/, ''))

/** Where there is something to be filled in, nothing can be tried. */
export const isPattern = (args) => /[…()[\]<>]/.test(args)

const HEADING = /^#{1,6} +(.+?) *#*$/gm

/** The anchors that GitHub gives a document's headings. */
export const anchorsOf = (text) => {
  const seen = new Map()
  return [...text.replace(FENCE, '').matchAll(HEADING)].map(([, heading]) => {
    const words = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/[*`]/g, '')
      .trim()
      .toLowerCase()
    const slug = words.replace(/[^\p{L}\p{M}\p{N}_\- ]/gu, '').replaceAll(' ', '-')
    const times = seen.get(slug) ?? 0
    seen.set(slug, times + 1)
    return times === 0 ? slug : `${slug}-${times}`
  })
}

/** The targets of a document's links and pictures, without those to other hosts. */
export const linksIn = (text) => {
  const prose = text.replace(FENCE, '').replaceAll(/`[^`\n]+`/g, '')
  const inline = [...prose.matchAll(/\]\(\s*([^)\s]+)[^)]*\)/g)]
  const references = [...prose.matchAll(/^\[[^\]]+\]:\s+(\S+)/gm)]
  return [...inline, ...references].map(([, target]) => target).filter((target) => !/^[a-z]+:/i.test(target))
}
