import { readFileSync } from 'node:fs'
import { eventually } from './eventually.ts'

/** Stops a process as it stands. A signal takes its time: what is sent before all threads stand still may be answered. */
export const freeze = (pid: number) => {
  process.kill(pid, 'SIGSTOP')
  return eventually('the process standing still', () =>
    /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')),
  )
}
