export type StackMode = 'given' | 'docker' | 'jvm'

export interface GivenStack {
  readonly brokers: string[]
  readonly registryUrl: string
}

/** KAFKA_BROKERS and SCHEMA_REGISTRY_URL; undefined when neither is set. Throws when only one of them is. */
export const givenStack = (env: NodeJS.ProcessEnv): GivenStack | undefined => {
  const brokers = (env.KAFKA_BROKERS ?? '')
    .split(',')
    .map((broker) => broker.trim())
    .filter((broker) => broker !== '')
  const registryUrl = env.SCHEMA_REGISTRY_URL ?? ''
  if (brokers.length === 0 && registryUrl === '') return undefined
  if (brokers.length === 0) throw new Error('SCHEMA_REGISTRY_URL is set but KAFKA_BROKERS is not: set both or neither')
  if (registryUrl === '') throw new Error('KAFKA_BROKERS is set but SCHEMA_REGISTRY_URL is not: set both or neither')
  return { brokers, registryUrl }
}

export interface Machine {
  doesDockerAnswer(): Promise<boolean>
  /** The command, if there is one recent enough. */
  findJava(): Promise<string | undefined>
  findMaven(): Promise<string | undefined>
  areJarsCached(): Promise<boolean>
}

export type Choice =
  | { readonly mode: 'docker' }
  /** Without a Maven only when nothing is left to fetch. */
  | { readonly mode: 'jvm'; readonly java: string; readonly maven: string | undefined }

const NEEDED = `running Kafka and a schema registry needs one of these:
  - a Docker engine that answers (is it started?), or
  - Java 17 or newer and Maven: \`java\` (or JAVA_HOME) and \`mvn\` on the PATH, or
  - ones that run already: set KAFKA_BROKERS and SCHEMA_REGISTRY_URL`

/**
 * How to run a stack on this machine: Docker when it answers, else Java. SYNC_STACK (`docker` or `jvm`) insists on one.
 * Throws an error that says what to install when there is no way, or not the one insisted on.
 */
export const chooseStack = async (env: NodeJS.ProcessEnv, machine: Machine): Promise<Choice> => {
  const wanted = env.SYNC_STACK || undefined
  if (wanted !== undefined && wanted !== 'docker' && wanted !== 'jvm') {
    throw new Error(`SYNC_STACK is ${JSON.stringify(wanted)}: it can be "docker" or "jvm"`)
  }
  if (wanted !== 'jvm' && (await machine.doesDockerAnswer())) return { mode: 'docker' }
  const java = wanted === 'docker' ? undefined : await machine.findJava()
  if (java === undefined) {
    const found = wanted === 'docker' ? 'SYNC_STACK is "docker", and no Docker engine answers' : 'no Docker, no Java'
    throw new Error(`${NEEDED}\nFound: ${found}`)
  }
  const maven = await machine.findMaven()
  if (maven === undefined && !(await machine.areJarsCached())) {
    throw new Error(`${NEEDED}\nFound: ${java}, but no Maven to fetch the rest with`)
  }
  return { mode: 'jvm', java, maven }
}
