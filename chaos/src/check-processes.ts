import type { Check } from './check.ts'
import type { Fleet } from './fleet.ts'
import { MARK } from './people.ts'

const MAX_RSS_MIB = 400
/** The phones of `people.ts`, in each form that Omnium may give them. */
const PHONE = '(\\+|\\b00)4759\\d{6}\\b|"59\\d{6}"'
const PERSONAL = new RegExp(`${MARK}[0-9a-z]+x|${PHONE}`)

export const checkEndsOfProcesses = ({ oddEnds, memory }: Fleet): Check => ({
  name: 'no process ended by itself',
  counted: memory().length,
  wrong: oddEnds.map(({ instance, how }) => `${instance}: ${how}`),
})

/** How the processes ended, and what they took. */
export function checkProcesses(fleet: Fleet): Check[] {
  const all = fleet.memory()
  return [
    checkEndsOfProcesses(fleet),
    {
      name: `memory below ${MAX_RSS_MIB} MiB each (most: ${Math.max(...all.map(({ peak }) => peak))})`,
      counted: all.length,
      wrong: all
        .filter(({ peak }) => peak > MAX_RSS_MIB)
        .map(({ instance, peak, parts }) => `${instance}: ${peak} MiB (${parts})`),
    },
  ]
}

/** No value of a customer and no secret in any text; each text is a log, a metric page, a header, an outcome. */
export function checkTexts(texts: ReadonlyMap<string, readonly string[]>, secrets: readonly string[]): Check {
  const wrong: string[] = []
  let counted = 0
  for (const [where, list] of texts) {
    for (const text of list) {
      for (const line of text.split('\n')) {
        if (line !== '') counted++
        if (PERSONAL.test(line)) wrong.push(`${where}: a customer's value`)
        if (secrets.some((secret) => line.includes(secret))) wrong.push(`${where}: a secret`)
      }
    }
  }
  return { name: 'lines without personal data or secrets', counted, wrong }
}
