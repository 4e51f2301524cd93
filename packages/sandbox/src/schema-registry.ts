import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts, onFreePorts } from './free-ports.ts'
import { jvmEnv, jvmFlags } from './java.ts'
import type { Keeper, KeptProcess } from './keep.ts'
import { untilAnswers } from './until.ts'

/** Where Apicurio Registry speaks the Confluent API. */
export const REGISTRY_PATH = '/apis/ccompat/v7'
const HEAP_MB = 256
const REQUEST_MS = 5_000

export const doesRegistryAnswer = async (registryUrl: string): Promise<boolean> => {
  try {
    const response = await fetch(`${registryUrl}/subjects`, { signal: AbortSignal.timeout(REQUEST_MS) })
    await response.body?.cancel()
    return response.status === 200
  } catch {
    return false
  }
}

/**
 * Makes BACKWARD the rule for every subject, as a Confluent registry has it by default. Apicurio's default is none, and
 * the JavaScript client then refuses to register.
 */
export const requireBackwardCompatibility = async (registryUrl: string): Promise<void> => {
  const response = await fetch(`${registryUrl}/config`, {
    method: 'PUT',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ compatibility: 'BACKWARD' }),
    signal: AbortSignal.timeout(REQUEST_MS),
  })
  await response.body?.cancel()
  if (!response.ok) throw new Error(`setting the registry's compatibility: ${response.status} ${response.statusText}`)
}

export interface LocalRegistryOptions {
  readonly keeper: Keeper
  readonly java: string
  readonly jar: string
  readonly env: NodeJS.ProcessEnv
  readonly deadlineMs: number
}

/** A registry that can be taken down and brought back on the same port, with the schemas and ids that it had. */
export interface RestartableRegistry {
  /** Ends the process by SIGKILL. Does nothing when it is down. */
  stop(): Promise<void>
  /** As `stop`. The registry comes back empty. */
  stopAndLoseData(): Promise<void>
  /** Resolves when it answers again. */
  start(): Promise<void>
}

export interface LocalRegistry extends RestartableRegistry {
  readonly registryUrl: string
  /** Undefined while it is down. */
  pid(): number | undefined
}

/** Apicurio Registry on this machine's Java, on loopback only, run by the keeper. Its data is in the folder of the keeper. */
export const startLocalRegistry = (options: LocalRegistryOptions): Promise<LocalRegistry> =>
  onFreePorts((attempt) => startOnNewPort(join(options.keeper.folder, `registry-${attempt}`), options))

const startOnNewPort = async (folder: string, options: LocalRegistryOptions): Promise<LocalRegistry> => {
  const { keeper, java, jar, env, deadlineMs } = options
  const [port] = await freePorts(1)
  const registryUrl = `http://127.0.0.1:${port}${REGISTRY_PATH}`
  const logFile = join(folder, 'registry.log')
  await mkdir(folder, { recursive: true })
  const settings = [`-Dquarkus.http.host=127.0.0.1`, `-Dquarkus.http.port=${port}`, '-Dquarkus.log.level=WARN']
  const dataFolder = join(folder, 'data')
  // Without this address the data is in memory. Each commit is written at once, because the process ends by SIGKILL.
  const dataEnv = { REGISTRY_DATASOURCE_URL: `jdbc:h2:file:${join(dataFolder, 'registry')};WRITE_DELAY=0` }
  const args = [...jvmFlags(HEAP_MB, folder), ...settings, '-jar', jar]

  let registry: KeptProcess | undefined
  const start = async () => {
    if (registry !== undefined) return
    const process = await keeper.run({ command: java, args, logFile, env: { ...jvmEnv(env), ...dataEnv } })
    registry = process
    void process.exited.then(() => {
      if (registry === process) registry = undefined
    })
    const isSet = () =>
      requireBackwardCompatibility(registryUrl).then(
        () => true,
        () => false,
      )
    const answers = async () => (await doesRegistryAnswer(registryUrl)) && isSet()
    await untilAnswers({ what: 'starting the schema registry', process, logFile, deadlineMs, answers })
  }
  const stop = async () => {
    if (registry === undefined) return
    const { exited, kill } = registry
    kill('SIGKILL')
    await exited
  }

  const stopAndLoseData = async () => {
    await stop()
    await rm(dataFolder, { recursive: true, force: true })
  }

  await start()
  return { registryUrl, pid: () => registry?.pid, start, stop, stopAndLoseData }
}
