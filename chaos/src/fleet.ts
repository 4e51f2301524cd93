import { readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { freePorts } from '@sync/sandbox/free-ports'
import type { Keeper, KeptProcess } from '@sync/sandbox/keep'
import { SERVICES, type ServiceName } from '@sync/shared/kafka/topics'
import { memoryParts } from './memory-parts.ts'

const ROOT = resolve(import.meta.dirname, '..', '..')
const RESTART_AFTER_MS = 1_000
const STOP_WITHIN_MS = 60_000
const PAGE_BYTES = 4096
const LARGE_PAGES = (300 * 2 ** 20) / PAGE_BYTES
/**
 * The limits, in MiB, that node takes by itself in a pod with 512 MiB (deploy/helm/values.yaml). On a large machine node would keep
 * garbage much longer.
 */
const HEAP_OF_POD = ['--max-old-space-size=256', '--max-semi-space-size=4']
const CLOCK_PRELOAD = join(import.meta.dirname, 'clock-preload.ts')

/** A process that ended though nobody had asked for it, or that did not end well when asked. */
export interface OddEnd {
  readonly instance: string
  readonly how: string
}

/** A time in which the wall clock of an instance was off, in ms since the epoch. `toMs` is null while it still is. */
export interface ClockStep {
  readonly service: ServiceName
  readonly instance: number
  /** Above 0: ahead of the machine's clock. */
  readonly byMs: number
  readonly fromMs: number
  toMs: number | null
}

export interface Memory {
  readonly instance: string
  /** Resident, in MiB. */
  readonly peak: number
  readonly last: number
  /** The parts of the memory near the peak. Empty if the peak is small. */
  readonly parts: string
}

/** All instances of all services, as processes; one that dies by itself is noted and started again. */
export interface Fleet {
  start(service: ServiceName, instance: number): Promise<void>
  kill(service: ServiceName, instance: number): void
  /** SIGTERM; resolves at its end. */
  stop(service: ServiceName, instance: number): Promise<void>
  freeze(service: ServiceName, instance: number): void
  thaw(service: ServiceName, instance: number): void
  /** From now on the wall clock of the instance is that many ms ahead of the machine's clock, also after a restart. Needs `stepsClocks`. */
  setClock(service: ServiceName, instance: number, aheadMs: number): Promise<void>
  readonly clockSteps: readonly ClockStep[]
  /** HTTP ports of the instances of a service that run. */
  ports(service: ServiceName): readonly number[]
  /** Resolves once each instance that runs is ready. Throws, with who isn't, when the time is over. */
  untilReady(withinMs: number): Promise<void>
  /** A page of each instance that runs; '' where none came. */
  pages(path: 'metrics' | 'ready'): Promise<readonly { readonly instance: string; readonly text: string }[]>
  readonly oddEnds: readonly OddEnd[]
  memory(): readonly Memory[]
  /** All there is to know of CPU, in seconds so far, by instance. */
  cpuSeconds(): Promise<ReadonlyMap<string, number>>
  /** By instance. */
  logs(): Promise<ReadonlyMap<string, string>>
  stopAll(): Promise<void>
}

export interface FleetOptions {
  readonly keeper: Keeper
  readonly env: NodeJS.ProcessEnv
  /** Whether the wall clock of an instance can be set. Default: no. */
  readonly stepsClocks?: boolean
  readonly onChange: (service: ServiceName) => void
}

interface Instance {
  readonly service: ServiceName
  readonly name: string
  readonly adminPort: number
  readonly httpPort: number
  readonly logFile: string
  process: KeptProcess | null
  /** What the harness did to it last. */
  asked: 'run' | 'kill' | 'stop'
  peakPages: number
  lastPages: number
  /** The peak when `parts` was taken. */
  partsPages: number
  parts: string
}

export function createFleet({ keeper, env, stepsClocks = false, onChange }: FleetOptions): Fleet {
  const instances = new Map<string, Instance>()
  const oddEnds: OddEnd[] = []
  const clockSteps: ClockStep[] = []
  const startedAt = performance.now()
  let closing = false

  const instanceOf = async (service: ServiceName, number: number): Promise<Instance> => {
    const name = `${service}-${number}`
    const known = instances.get(name)
    if (known) return known
    const [adminPort, httpPort] = await freePorts(2)
    const logFile = join(keeper.folder, `${name}.log`)
    const fresh: Instance = {
      ...{
        service,
        name,
        logFile,
        process: null,
        asked: 'run',
        peakPages: 0,
        lastPages: 0,
        partsPages: LARGE_PAGES,
        parts: '',
      },
      ...{ adminPort: adminPort!, httpPort: httpPort! },
    }
    instances.set(name, fresh)
    return fresh
  }
  const known = (service: ServiceName, number: number) => instances.get(`${service}-${number}`)
  const clockFileOf = (name: string) => join(keeper.folder, `${name}.clock`)

  const run = async (instance: Instance) => {
    if (instance.process !== null || closing) return
    instance.asked = 'run'
    const saidBefore = await sizeOf(instance.logFile)
    const process = await keeper.run({
      command: globalThis.process.execPath,
      args: [
        ...HEAP_OF_POD,
        ...(stepsClocks ? ['--import', CLOCK_PRELOAD] : []),
        join(ROOT, 'services', instance.service, 'src', 'main.ts'),
      ],
      logFile: instance.logFile,
      env: {
        ...env,
        PATH: globalThis.process.env.PATH,
        ADMIN_PORT: String(instance.adminPort),
        HTTP_HOST: '127.0.0.1',
        HTTP_PORT: String(instance.httpPort),
        SERVICE_INSTANCE_ID: instance.name,
        ...(stepsClocks && { CLOCK_OFFSET_FILE: clockFileOf(instance.name) }),
      },
    })
    instance.process = process
    onChange(instance.service)
    void process.exited.then(async ({ code, signal }) => {
      const { asked } = instance
      instance.process = null
      onChange(instance.service)
      // A process hears signals before it writes its first log line. A SIGTERM that comes earlier ends the process as it should.
      const isEarly = signal === 'SIGTERM' && (await sizeOf(instance.logFile)) === saidBefore
      const isStopped = asked === 'stop' && (code === 0 || isEarly)
      if (closing || asked === 'kill' || isStopped) return
      oddEnds.push({ instance: instance.name, how: `${signal ?? `code ${code}`} when asked to ${asked}` })
      if (asked === 'run') setTimeout(() => void run(instance), RESTART_AFTER_MS).unref()
    })
  }

  const end = async (instance: Instance | undefined) => {
    if (!instance?.process) return
    instance.asked = 'stop'
    const { exited, kill } = instance.process
    kill('SIGTERM')
    // One that is frozen can't hear it.
    kill('SIGCONT')
    const late = setTimeout(() => {
      oddEnds.push({ instance: instance.name, how: `no end within ${STOP_WITHIN_MS / 1000} s of SIGTERM` })
      kill('SIGKILL')
    }, STOP_WITHIN_MS)
    await exited
    clearTimeout(late)
  }

  const sampling = setInterval(async () => {
    for (const instance of instances.values()) {
      if (instance.process === null) continue
      const text = await readFile(`/proc/${instance.process.pid}/statm`, 'utf8').catch(() => '')
      const pages = Number(text.split(' ')[1] ?? 0)
      instance.lastPages = pages
      instance.peakPages = Math.max(instance.peakPages, pages)
      if (pages > instance.partsPages) {
        instance.partsPages = pages
        const { text } = await asked(instance, 'metrics')
        instance.parts = memoryParts(text, Math.round((performance.now() - startedAt) / 1_000))
      }
    }
  }, 1_000)
  sampling.unref()

  const running = () => [...instances.values()].filter(({ process }) => process !== null)
  const asked = async ({ adminPort }: Instance, path: string) => {
    try {
      const answer = await fetch(`http://127.0.0.1:${adminPort}/${path}`, { signal: AbortSignal.timeout(5_000) })
      return { status: answer.status, text: await answer.text() }
    } catch {
      return { status: 0, text: '' }
    }
  }
  const mib = (pages: number) => Math.round((pages * PAGE_BYTES) / 2 ** 20)

  return {
    start: async (service, number) => run(await instanceOf(service, number)),
    kill(service, number) {
      const instance = known(service, number)
      if (!instance?.process) return
      instance.asked = 'kill'
      instance.process.kill('SIGKILL')
    },
    stop: (service, number) => end(known(service, number)),
    freeze: (service, number) => known(service, number)?.process?.kill('SIGSTOP'),
    thaw: (service, number) => known(service, number)?.process?.kill('SIGCONT'),
    async setClock(service, number, aheadMs) {
      const file = clockFileOf(`${service}-${number}`)
      // A reader never sees half of a number.
      await writeFile(`${file}.new`, String(aheadMs))
      await rename(`${file}.new`, file)
      const nowMs = Date.now()
      const before = clockSteps.findLast((it) => it.service === service && it.instance === number)
      if (before !== undefined) before.toMs ??= nowMs
      if (aheadMs !== 0) clockSteps.push({ service, instance: number, byMs: aheadMs, fromMs: nowMs, toMs: null })
    },
    clockSteps,
    ports: (service) =>
      running()
        .filter((instance) => instance.service === service)
        .map(({ httpPort }) => httpPort),
    async untilReady(withinMs) {
      const deadline = performance.now() + withinMs
      for (;;) {
        const answers = await Promise.all(running().map(async (it) => ({ it, ...(await asked(it, 'ready')) })))
        const lacking = answers.filter(({ status }) => status !== 200)
        if (answers.length > 0 && lacking.length === 0) return
        if (performance.now() > deadline) {
          const says = lacking.map(({ it, status, text }) => `${it.name} (${status} ${text.slice(0, 300)})`)
          throw new Error(`not ready within ${withinMs / 1000} s: ${says.join(', ')}`)
        }
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    },
    pages: (path) =>
      Promise.all(running().map(async (it) => ({ instance: it.name, text: (await asked(it, path)).text }))),
    oddEnds,
    memory: () =>
      [...instances.values()].map(({ name, peakPages, lastPages, parts }) => ({
        ...{ instance: name, peak: mib(peakPages), last: mib(lastPages), parts },
      })),
    async cpuSeconds() {
      const pairs = running().map(async ({ name, process }) => {
        const text = await readFile(`/proc/${process!.pid}/stat`, 'utf8').catch(() => '')
        const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
        return [name, (Number(fields[11]) + Number(fields[12])) / 100] as const
      })
      return new Map(await Promise.all(pairs))
    },
    async logs() {
      const pairs = [...instances.values()].map(
        async ({ name, logFile }) => [name, await readFile(logFile, 'utf8').catch(() => '')] as const,
      )
      return new Map(await Promise.all(pairs))
    },
    async stopAll() {
      clearInterval(sampling)
      closing = true
      await Promise.all([...instances.values()].map(end))
    },
  }
}

/** Instances 0 to `count` - 1 of every service. */
export const eachInstance = (count: number) =>
  SERVICES.flatMap((service) => Array.from({ length: count }, (_, instance) => ({ service, instance })))

const sizeOf = async (file: string): Promise<number> => (await stat(file).catch(() => null))?.size ?? 0
