import { styleText } from 'node:util'

export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red'
export type Paint = (style: Style, text: string) => string

/** Where it is told what happens. Nothing is wider than 100 columns by its own doing. */
export interface Screen {
  readonly hasColours: boolean
  readonly paint: Paint
  line(text?: string): void
  /** The time of day and what happens at it. */
  scene(at: string, title: string): void
  /** What came of it, and after how long. */
  effect(says: string, latencyMs: number): void
  /** What did not come of it, and why; either may have been told before. */
  failure(says: string | null, why?: string): void
  /** Beneath a scene, as it is. */
  detail(text: string): void
}

export const WIDTH = 100
const INDENT = '       '

export function createScreen(write: (text: string) => void, hasColours: boolean): Screen {
  const paint: Paint = (style, text) => (hasColours ? styleText(style, text, { validateStream: false }) : text)
  const line = (text = '') => write(`${text}\n`)
  return {
    hasColours,
    paint,
    line,
    scene: (at, title) => line(`\n${paint('dim', at)}  ${paint('bold', title)}`),
    effect: (says, latencyMs) =>
      line(`${INDENT}${paint('green', '✓')} ${says} ${paint('dim', 'after')} ${duration(latencyMs)}`),
    failure(says, why = '') {
      if (says !== null) line(`${INDENT}${paint('red', '✗')} ${says}`)
      for (const part of wrapped(why, WIDTH - INDENT.length - 2)) line(`${INDENT}  ${paint('red', part)}`)
    },
    detail(text) {
      for (const part of text.split('\n')) line(`${INDENT}${part}`)
    },
  }
}

export const duration = (ms: number): string => (ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`)

/** Breaks at spaces; a word that is longer than the width gets a line of its own. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** Rows under each other with their columns aligned; the columns named from 0 to the right. */
export function columns(rows: readonly (readonly string[])[], right: ReadonlySet<number> = new Set()): string[] {
  const widths: number[] = []
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length)
  return rows.map((row) =>
    row
      .map((cell, i) => (right.has(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd(),
  )
}

/** Tells what has started, and how long it took since the one before. */
export const startingOn = (screen: Screen): ((what: string) => void) => {
  let since = performance.now()
  return (what) => {
    const now = performance.now()
    screen.line(`${screen.paint('green', '✓')} ${what} ${screen.paint('dim', `in ${duration(now - since)}`)}`)
    since = now
  }
}
