import { styleText } from 'node:util'

/** What a command may know of the process it runs in; tests hand in their own. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  out(text: string): void
  err(text: string): void
  /** Standard output is a terminal: colours are welcome. */
  readonly isTTY: boolean
  /** Where a progress bar can be drawn; absent when standard error is no terminal: then progress is told in lines. */
  readonly bar?: NodeJS.WritableStream | undefined
  /** Asks a question that is answered by y or n. Absent where nobody can answer. */
  readonly ask?: ((question: string) => Promise<boolean>) | undefined
  /** Aborts when whoever runs the command has had enough. */
  readonly signal?: AbortSignal | undefined
}

export type Paint = (style: 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan', text: string) => string

/** Colours on a terminal only, and not where NO_COLOR says otherwise. */
export const painter =
  ({ isTTY, env }: Terminal): Paint =>
  (style, text) =>
    isTTY && !env.NO_COLOR ? styleText(style, text, { validateStream: false }) : text

/** Rows under each other with their columns aligned; the last column is not padded. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length)
  return rows
    .map((row) => row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('  '))
    .join('\n')
}

/** A table under a bold head; empty without rows. */
export function titled(terminal: Terminal, head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return ''
  const [first = '', ...rest] = table([head, ...rows]).split('\n')
  return `${[painter(terminal)('bold', first), ...rest].join('\n')}\n`
}

/** One JSON array and nothing else. */
export const jsonList = (items: readonly unknown[]): string => `${JSON.stringify(items, null, 2)}\n`

/** `1 record`, `1,200 records`. */
export const counted = (n: number, noun: string): string => `${n.toLocaleString('en-GB')} ${noun}${n === 1 ? '' : 's'}`

/** `850 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`, `4 d 1 h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  const s = Math.round(ms / 1_000)
  if (s < 60) return `${s} s`
  if (s < 3_600) return `${Math.floor(s / 60)} min ${s % 60} s`
  if (s < 86_400) return `${Math.floor(s / 3_600)} h ${Math.floor((s % 3_600) / 60)} min`
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3_600)} h`
}
