import type { Check } from './check.ts'

const SHOWN = 20

/** The table, and below it what is wrong. */
export function report(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length))
  const rows = checks.map(({ name, counted, wrong }) => {
    const end = wrong.length === 0 ? 'ok' : 'WRONG'
    return `  ${name.padEnd(width)}  ${String(counted).padStart(8)}  ${String(wrong.length).padStart(6)}  ${end}`
  })
  const head = `  ${'must hold'.padEnd(width)}  ${'counted'.padStart(8)}  ${'wrong'.padStart(6)}`
  const details = checks.flatMap(({ name, wrong }) => {
    if (wrong.length === 0) return []
    const more = wrong.length > SHOWN ? [`    … and ${wrong.length - SHOWN} more`] : []
    return ['', `  ${name}:`, ...wrong.slice(0, SHOWN).map((line) => `    ${line}`), ...more]
  })
  return [head, ...rows, ...details].join('\n')
}

/** A check that had nothing to look at shows nothing. */
export const notEmpty = (check: Check): Check =>
  check.counted > 0 || check.mayBeEmpty
    ? check
    : { ...check, wrong: [...check.wrong, 'nothing was there to be checked'] }

export const holds = (checks: readonly Check[]) => checks.every(({ wrong }) => wrong.length === 0)

/** `name 3, other 5`, by count. */
export const tally = (counts: ReadonlyMap<string, number>) =>
  [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
