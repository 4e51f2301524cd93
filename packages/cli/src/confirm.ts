import { refuse } from './refuse.ts'
import { painter, type Terminal } from './terminal.ts'

/** Says what is about to change and asks. False: don't. Throws where nobody can answer and nobody said --yes. */
export async function confirm(terminal: Terminal, what: string, isAgreed: boolean | undefined): Promise<boolean> {
  if (isAgreed) return true
  if (terminal.ask === undefined) {
    refuse(`${what} Nobody is there to agree: add --yes.`)
  }
  terminal.err(`${painter(terminal)('yellow', what)}\n`)
  const agreed = await terminal.ask('Go on? [y/N] ')
  if (!agreed) terminal.err('Nothing was changed.\n')
  return agreed
}
