import { styleText } from 'node:util'

/** What a command may know of the process it runs in; tests hand in their own. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  out(text: string): void
  err(text: string): void
  /** Standard output is a terminal: colours and progress are welcome. */
  readonly isTTY: boolean
}

export type Paint = (style: 'bold' | 'dim' | 'green' | 'yellow' | 'red', text: string) => string

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
