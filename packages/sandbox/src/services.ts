import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { SERVICES, type ServiceName } from '@sync/shared/kafka/topics'
import { freePorts, onFreePorts } from './free-ports.ts'
import type { Exit, Keeper, KeptProcess } from './keep.ts'
import { reasonInLog } from './reason-in-log.ts'
import { untilAnswers } from './until.ts'

export interface Place {
  readonly adminUrl: string
  /** Where the webhooks of an ingest service go; the others don't listen there. */
  readonly httpUrl: string
}

export interface Services {
  readonly places: ReadonlyMap<ServiceName, Place>
  /** Why a service can't be counted on; undefined: it runs, or is still starting. */
  troubleOf(service: ServiceName): string | undefined
  /** What its log says last of an error, after a colon; empty when it says nothing. */
  lastErrorOf(service: ServiceName): string
  /** Calls for every trouble: at once for those that are known, and as others come. Answers what ends that. */
  onTrouble(tell: (service: ServiceName, why: string) => void): () => void
  /** Resolves once each is ready or in trouble. */
  untilReady(): Promise<void>
  /** SIGTERM to all, SIGKILL to those that take too long. Answers those that didn't end in good order, and how. */
  stop(): Promise<readonly string[]>
}

export interface Ports {
  readonly admin: number
  /** Of webhooks; the services that take none don't listen there. */
  readonly http: number
}

export interface ServicesOptions {
  readonly keeper: Keeper
  readonly servicesDir: string
  /** Begins the instance ids. */
  readonly name: string
  /** All that they get, but for their own ports and names. */
  readonly env: NodeJS.ProcessEnv
  /** Those of each service; free ones unless told. */
  readonly ports?: ReadonlyMap<ServiceName, Ports>
  /** For Node itself, before the program. */
  readonly nodeArgs?: readonly string[]
  readonly readyWithinMs: number
  readonly stopWithinMs: number
}

/**
 * The four services as operators run them: processes of their own with nothing but the environment. They end with this
 * process, whatever way it ends, because the keeper runs them.
 */
export async function startServices(options: ServicesOptions): Promise<Services> {
  const places = new Map<ServiceName, Place>()
  const running = new Map<ServiceName, KeptProcess>()
  const troubles = new Map<ServiceName, string>()
  const listeners = new Set<(service: ServiceName, why: string) => void>()
  let isStopping = false

  const trouble = (service: ServiceName, why: string) => {
    if (isStopping || troubles.has(service)) return
    troubles.set(service, why)
    for (const tell of listeners) tell(service, why)
  }

  const lastErrorOf = (service: ServiceName) => reasonInLog(readLog(logFileOf(options.keeper, service)))

  const start = async (service: ServiceName) => {
    const ports = options.ports?.get(service) ?? (await newPorts())
    const adminUrl = `http://127.0.0.1:${ports.admin}`
    places.set(service, { adminUrl, httpUrl: `http://127.0.0.1:${ports.http}` })
    const logFile = logFileOf(options.keeper, service)
    const process = await options.keeper.run(programOf(service, ports, logFile, options))
    running.set(service, process)
    return { process, adminUrl, logFile }
  }

  const untilReady = (service: ServiceName, { process, adminUrl, logFile }: Awaited<ReturnType<typeof start>>) =>
    untilAnswers({
      what: `starting ${service}`,
      process,
      logFile,
      deadlineMs: options.readyWithinMs,
      answers: async () => (await answered(`${adminUrl}/ready`)) === 200,
    })

  const watch = (service: ServiceName) => {
    const process = running.get(service)
    void process?.exited.then((exit) => trouble(service, `${endOf(exit)}${lastErrorOf(service)}`))
  }

  const first = new Map(await Promise.all(SERVICES.map(async (service) => [service, await start(service)] as const)))
  const ready = Promise.all(
    SERVICES.map(async (service) => {
      try {
        // What the error says goes on with the end of the log, so `in use` there is a port that another one took.
        const attempts = options.ports === undefined ? onFreePorts : <T>(run: (attempt: number) => Promise<T>) => run(1)
        await attempts(async (attempt) =>
          untilReady(service, attempt === 1 ? first.get(service)! : await start(service)),
        )
        watch(service)
      } catch {
        watch(service)
        // If it has ended, the watch says so first.
        await setImmediate()
        trouble(service, `not ready within ${options.readyWithinMs / 1000} s${lastErrorOf(service)}`)
      }
    }),
  )

  const stopOne = async (service: ServiceName, process: KeptProcess): Promise<string | null> => {
    let isKilled = false
    process.tell('SIGTERM')
    const deadline = setTimeout(() => {
      isKilled = true
      process.kill('SIGKILL')
    }, options.stopWithinMs)
    const exit = await process.exited
    clearTimeout(deadline)
    if (isKilled) return `${service} was killed: it had not ended ${options.stopWithinMs / 1000} s after SIGTERM`
    return exit.code === 0 || troubles.has(service) ? null : `${service} ${endOf(exit)} at SIGTERM`
  }

  return {
    places,
    troubleOf: (service) => troubles.get(service),
    lastErrorOf,
    onTrouble(tell) {
      for (const [service, why] of troubles) tell(service, why)
      listeners.add(tell)
      return () => void listeners.delete(tell)
    },
    untilReady: async () => void (await ready),
    async stop() {
      isStopping = true
      const ends = await Promise.all([...running].map(([service, process]) => stopOne(service, process)))
      return ends.filter((end) => end !== null)
    },
  }
}

const endOf = ({ code, signal }: Exit) => `ended with ${signal ?? `code ${code}`}`

/** Where what a service prints goes. */
export const logFileOf = (keeper: Keeper, service: ServiceName): string => join(keeper.folder, `${service}.log`)

export async function newPorts(): Promise<Ports> {
  const [admin, http] = await freePorts(2)
  return { admin: admin!, http: http! }
}

function programOf(
  service: ServiceName,
  ports: Ports,
  logFile: string,
  { servicesDir, name, env, nodeArgs = [] }: ServicesOptions,
) {
  return {
    command: process.execPath,
    args: [...nodeArgs, join(servicesDir, service, 'src', 'main.ts')],
    logFile,
    env: {
      ...env,
      ADMIN_PORT: String(ports.admin),
      ...(service.endsWith('-ingest') && { HTTP_HOST: '127.0.0.1', HTTP_PORT: String(ports.http) }),
      SERVICE_INSTANCE_ID: `${name}-${service}`,
    },
  }
}

async function answered(url: string): Promise<number | null> {
  try {
    const { status, body } = await fetch(url, { signal: AbortSignal.timeout(2_000) })
    await body?.cancel()
    return status
  } catch {
    return null
  }
}

const readLog = (logFile: string) => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '')
