import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

export const JAVA_MIN_VERSION = 17
const PROBE_MS = 10_000

/** The major version in what `java -version` prints; 8 and older say `1.8`. Undefined when there is none. */
export const parseJavaVersion = (output: string): number | undefined => {
  const [, major, minor] = /version "(\d+)(?:\.(\d+))?/.exec(output) ?? []
  if (major === undefined) return undefined
  return major === '1' ? Number(minor) : Number(major)
}

const isExecutable = (path: string) =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  )

const onPath = async (name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> => {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name)
    if (folder !== '' && (await isExecutable(path))) return path
  }
  return undefined
}

/** The `java` of JAVA_HOME, else of PATH, if it is of a version that Kafka runs on. */
export const findJava = async (env: NodeJS.ProcessEnv): Promise<string | undefined> => {
  const home = env.JAVA_HOME ? join(env.JAVA_HOME, 'bin', 'java') : undefined
  const java = home !== undefined && (await isExecutable(home)) ? home : await onPath('java', env)
  if (java === undefined) return undefined
  // The macOS stub without a Java behind it is there, but exits with an error.
  const { stderr } = await promisify(execFile)(java, ['-version'], { timeout: PROBE_MS }).catch(() => ({ stderr: '' }))
  return (parseJavaVersion(stderr) ?? 0) >= JAVA_MIN_VERSION ? java : undefined
}

export const findMaven = (env: NodeJS.ProcessEnv): Promise<string | undefined> => onPath('mvn', env)

/**
 * What a JVM of the stack gets of the environment: enough to run. The rest would leak into it: the registry reads
 * LOG_LEVEL and QUARKUS_*, which may be meant for the services.
 */
export const jvmEnv = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(
    ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'JAVA_HOME', 'JAVA_TOOL_OPTIONS']
      .filter((name) => env[name] !== undefined)
      .map((name) => [name, env[name]]),
  )

/**
 * C1 alone and the serial collector: up in half the time on few cores, and a broker of a test gains nothing from C2.
 * What a JVM and its native libraries unpack goes to `tmpFolder`, so that nothing stays behind after a SIGKILL.
 */
export const jvmFlags = (maxHeapMb: number, tmpFolder: string): string[] => [
  `-Xmx${maxHeapMb}m`,
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:+ExitOnOutOfMemoryError',
  '-XX:-UsePerfData',
  `-Djava.io.tmpdir=${tmpFolder}`,
]
