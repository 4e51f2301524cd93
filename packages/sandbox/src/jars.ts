import { createHash, randomUUID } from 'node:crypto'
import { access, mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { LOCK_MAX_AGE_MS, takeLock } from './fetch-lock.ts'
import { startKeeper } from './keep.ts'
import { tailOf } from './until.ts'

// renovate: datasource=maven depName=org.apache.kafka:kafka_2.13
export const KAFKA_VERSION = '4.3.1'
// renovate: datasource=maven depName=io.apicurio:apicurio-registry-app
export const REGISTRY_VERSION = '2.6.13.Final'
/** Kafka logs through slf4j and leaves the choice of a backend to its distribution; this one is the distribution's. */
// renovate: datasource=maven depName=org.apache.logging.log4j:log4j-slf4j-impl
const LOG4J_VERSION = '2.25.4'
// renovate: datasource=maven depName=org.apache.maven.plugins:maven-dependency-plugin
const MAVEN_DEPENDENCY_PLUGIN_VERSION = '3.8.1'

const FETCH_DEADLINE_MS = LOCK_MAX_AGE_MS - 60_000
const LOCK_POLL_MS = 250

export interface Jars {
  readonly kafkaClasspath: string
  readonly registryJar: string
}

const artifact = (groupId: string, artifactId: string, version: string) =>
  `<groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version>`

/** The Maven project that lays Kafka's jars in `kafka` and the registry, unpacked, in `registry` beside it. */
export const renderPom = (): string => `<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  ${artifact('local', 'local-stack', '1')}
  <packaging>pom</packaging>
  <dependencies>
    <dependency>${artifact('org.apache.kafka', 'kafka_2.13', KAFKA_VERSION)}</dependency>
    <dependency>${artifact('org.apache.kafka', 'kafka-tools', KAFKA_VERSION)}</dependency>
    <dependency>${artifact('org.apache.logging.log4j', 'log4j-slf4j-impl', LOG4J_VERSION)}</dependency>
  </dependencies>
  <build>
    <plugins>
      <plugin>
        ${artifact('org.apache.maven.plugins', 'maven-dependency-plugin', MAVEN_DEPENDENCY_PLUGIN_VERSION)}
        <executions>
          <execution>
            <id>kafka</id>
            <phase>package</phase>
            <goals><goal>copy-dependencies</goal></goals>
            <configuration>
              <includeScope>runtime</includeScope>
              <outputDirectory>\${project.basedir}/kafka</outputDirectory>
            </configuration>
          </execution>
          <execution>
            <id>registry</id>
            <phase>package</phase>
            <goals><goal>unpack</goal></goals>
            <configuration>
              <artifactItems>
                <artifactItem>
                  ${artifact('io.apicurio', 'apicurio-registry-app', REGISTRY_VERSION)}
                  <type>tar.gz</type>
                  <classifier>all</classifier>
                </artifactItem>
              </artifactItems>
              <outputDirectory>\${project.basedir}/registry</outputDirectory>
              <markersDirectory>\${project.basedir}/markers</markersDirectory>
            </configuration>
          </execution>
        </executions>
      </plugin>
    </plugins>
  </build>
</project>
`

/** Named after all that decides its content, so another version is another folder. */
const jarsFolder = (cacheDir: string) =>
  join(cacheDir, `local-stack-${createHash('sha256').update(renderPom()).digest('hex').slice(0, 12)}`)

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

export const areJarsCached = (cacheDir: string): Promise<boolean> => exists(jarsFolder(cacheDir))

const jarsIn = (folder: string): Jars => ({
  kafkaClasspath: join(folder, 'kafka', '*'),
  registryJar: join(folder, 'registry', `apicurio-registry-app-${REGISTRY_VERSION}-runner.jar`),
})

export interface FetchOptions {
  readonly cacheDir: string
  readonly mavenCommand: string
  readonly env: NodeJS.ProcessEnv
  readonly log: (message: string) => void
}

/** Everything is fetched into a folder of its own and moved to its place when complete: a half-made one is never used. */
const fetchInto = async (target: string, { cacheDir, mavenCommand, env }: FetchOptions) => {
  const keeper = await startKeeper(join(cacheDir, `.fetching-${randomUUID()}`))
  try {
    const stage = join(keeper.folder, 'stage')
    const logFile = join(keeper.folder, 'maven.log')
    await mkdir(stage)
    await writeFile(join(stage, 'pom.xml'), renderPom())
    const args = ['--batch-mode', '--no-transfer-progress', '--file', join(stage, 'pom.xml'), 'package']
    const maven = await keeper.run({ command: mavenCommand, args, logFile, env })
    const deadline = setTimeout(() => maven.kill('SIGKILL'), FETCH_DEADLINE_MS)
    const { code, signal } = await maven.exited
    clearTimeout(deadline)
    if (code !== 0) {
      const exit = signal ?? `exit code ${code}`
      throw new Error(`fetching Kafka and the schema registry with Maven: ${exit}\n${await tailOf(logFile)}`)
    }
    await rename(stage, target).catch(async (error) => {
      if (!(await exists(target))) throw error
    })
  } finally {
    await keeper.end()
  }
}

/** Kafka's and the registry's jars: from the cache, else fetched by Maven, once however many processes ask for them. */
export const fetchJars = async (options: FetchOptions): Promise<Jars> => {
  const { cacheDir, log } = options
  const target = jarsFolder(cacheDir)
  const deadline = AbortSignal.timeout(LOCK_MAX_AGE_MS)
  let isWaiting = false
  while (!(await exists(target))) {
    await mkdir(cacheDir, { recursive: true })
    // Two Mavens at once can spoil their common local repository.
    const lock = await takeLock(`${target}.lock`)
    if (lock !== undefined) {
      try {
        if (await exists(target)) break
        log(
          `fetching Kafka ${KAFKA_VERSION} and Apicurio Registry ${REGISTRY_VERSION} with Maven, once, into ${cacheDir}`,
        )
        await fetchInto(target, options)
      } finally {
        await lock.release()
      }
    } else {
      if (!isWaiting) log('waiting for another process that fetches Kafka and the schema registry')
      isWaiting = true
      deadline.throwIfAborted()
      await delay(LOCK_POLL_MS)
    }
  }
  return jarsIn(target)
}
