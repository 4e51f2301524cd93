import { fork } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'

export interface Program {
  readonly command: string
  readonly args: readonly string[]
  /** Gets what the program prints, appended. */
  readonly logFile: string
  readonly env: NodeJS.ProcessEnv
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface KeptProcess {
  readonly pid: number
  readonly exited: Promise<Exit>
  /** Signals the program and what it started; nothing once it has exited. */
  kill(signal: NodeJS.Signals): void
  /** Signals the program alone, for one that passes it on to what it started; nothing once it has exited. */
  tell(signal: NodeJS.Signals): void
}

export interface Keeper {
  readonly pid: number
  readonly folder: string
  /** Resolves once the program runs; rejects when it can't be started at all. */
  run(program: Program): Promise<KeptProcess>
  /** Ends every program, removes the folder; resolves when both are gone. */
  end(): Promise<void>
}

export type KeeperRequest = Program & { readonly id: number }
export type KeeperReport =
  | { readonly event: 'ready' }
  | { readonly event: 'started'; readonly id: number; readonly pid: number }
  | { readonly event: 'refused'; readonly id: number; readonly message: string }
  | ({ readonly event: 'exited'; readonly id: number } & Exit)

interface Started {
  readonly running: PromiseWithResolvers<KeptProcess>
  readonly exit: PromiseWithResolvers<Exit>
  pid?: number
  isOver: boolean
}

const GRACE_MS = 3_000

const send = (pid: number, signal: NodeJS.Signals) => {
  try {
    process.kill(pid, signal)
  } catch {
    // gone already
  }
}
/** Each program leads a group of its own. */
const signalGroup = (pid: number, signal: NodeJS.Signals) => send(-pid, signal)

/**
 * Starts a keeper: a small process, out of reach of the terminal's Ctrl-C, that runs programs for this one and owns
 * `folder`. It ends the programs and removes the folder on `end()`, and also when this process is gone in whatever way,
 * SIGKILL included: it sees the channel between the two close. `folder` must not exist yet. A program has `graceMs` from
 * SIGTERM to SIGKILL.
 */
export const startKeeper = async (folder: string, graceMs = GRACE_MS): Promise<Keeper> => {
  const programs = new Map<number, Started>()
  const ready = Promise.withResolvers<void>()
  const gone = Promise.withResolvers<void>()
  let lastId = 0
  let ending = false

  const { NODE_OPTIONS: _, ...env } = process.env
  const child = fork(join(import.meta.dirname, 'keeper.ts'), [folder, String(graceMs)], {
    detached: true,
    execArgv: [],
    env,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })

  const processOf = (program: Started, pid: number): KeptProcess => ({
    pid,
    exited: program.exit.promise,
    kill: (signal) => {
      if (!program.isOver) signalGroup(pid, signal)
    },
    tell: (signal) => {
      if (!program.isOver) send(pid, signal)
    },
  })

  const over = (program: Started, exit: Exit) => {
    program.isOver = true
    program.exit.resolve(exit)
  }

  child.on('message', (report: KeeperReport) => {
    if (report.event === 'ready') return ready.resolve()
    const program = programs.get(report.id)
    if (program === undefined) return
    switch (report.event) {
      case 'started':
        program.pid = report.pid
        return program.running.resolve(processOf(program, report.pid))
      case 'refused':
        program.isOver = true
        return program.running.reject(new Error(report.message))
      case 'exited':
        return over(program, report)
    }
  })

  const afterwards = () => {
    const lost = new Error('starting a program: its keeper is gone')
    for (const program of programs.values()) {
      // The keeper itself was killed: its programs are still there, and this process is the last one that knows them.
      if (!ending && program.pid !== undefined && !program.isOver) signalGroup(program.pid, 'SIGKILL')
      program.running.reject(lost)
      over(program, { code: null, signal: 'SIGKILL' })
    }
    ready.reject(lost)
    void rm(folder, { recursive: true, force: true, maxRetries: 5 }).then(gone.resolve, gone.resolve)
  }
  child.once('exit', afterwards)
  child.once('error', (error) => ready.reject(error))

  await ready.promise
  return {
    pid: child.pid!,
    folder,
    run: (program) => {
      if (ending || !child.connected) return Promise.reject(new Error('starting a program: its keeper has ended'))
      const started: Started = { running: Promise.withResolvers(), exit: Promise.withResolvers(), isOver: false }
      const request: KeeperRequest = { ...program, id: ++lastId }
      programs.set(request.id, started)
      child.send(request)
      return started.running.promise
    },
    end: () => {
      ending = true
      if (child.connected) child.disconnect()
      return gone.promise
    },
  }
}
