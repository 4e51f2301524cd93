import { CommanderError } from 'commander'
import { EXIT, type ExitCode } from './exit.ts'

/** What a command refuses by itself, beside what its parser does; `run` prints it. */
const REFUSED = 'syncctl.refused'

/** Ends the command with one line on standard error; wrong usage unless told otherwise. */
export function refuse(message: string, code: ExitCode = EXIT.usage): never {
  throw new CommanderError(code, REFUSED, message)
}

export const isRefusal = (error: CommanderError): boolean => error.code === REFUSED
