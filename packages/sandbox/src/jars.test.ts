import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { areJarsCached, fetchJars, KAFKA_VERSION, REGISTRY_VERSION, renderPom } from './jars.ts'

test('the pom names what is fetched, by exact versions, and where it goes', () => {
  const pom = renderPom()

  expect(pom).toContain(`<artifactId>kafka_2.13</artifactId><version>${KAFKA_VERSION}</version>`)
  expect(pom).toContain(`<artifactId>kafka-tools</artifactId><version>${KAFKA_VERSION}</version>`)
  expect(pom).toContain(`<artifactId>apicurio-registry-app</artifactId><version>${REGISTRY_VERSION}</version>`)
  expect(pom).toContain('basedir}/kafka</outputDirectory>')
  expect(pom).toContain('basedir}/registry</outputDirectory>')
  expect(pom).not.toMatch(/SNAPSHOT|LATEST|RELEASE|undefined/)
})

/** A Maven that notes each run, prints its arguments and does as told, in the folder of the pom that it was given. */
const aMaven = async (does: string) => {
  const folder = await mkdtemp(join(tmpdir(), 'jars-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const mavenCommand = join(folder, 'mvn')
  const runs = join(folder, 'runs')
  const script = `#!/bin/sh\necho run >>'${runs}'\necho "arguments: $*"\ncd "$(dirname "$4")"\n${does}\n`
  await writeFile(mavenCommand, script)
  await chmod(mavenCommand, 0o755)
  return {
    options: { cacheDir: join(folder, 'cache'), mavenCommand, env: { PATH: process.env.PATH }, log: () => {} },
    countRuns: async () => (await readFile(runs, 'utf8')).trimEnd().split('\n').length,
  }
}

describe('fetching', () => {
  const lays = 'mkdir kafka registry && touch kafka/kafka.jar'

  test('happens once, however many ask at the same time or later', async () => {
    const { options, countRuns } = await aMaven(lays)

    const fetched = await Promise.all([fetchJars(options), fetchJars(options), fetchJars(options)])
    const again = await fetchJars(options)

    expect(new Set([...fetched, again].map((jars) => jars.registryJar)).size).toBe(1)
    expect(await countRuns()).toBe(1)
    expect(await areJarsCached(options.cacheDir)).toBe(true)
  })

  test('leaves the jars in the cache and nothing else', async () => {
    const { options } = await aMaven(lays)

    const { kafkaClasspath } = await fetchJars(options)

    expect(existsSync(kafkaClasspath.replace('*', 'kafka.jar'))).toBe(true)
    expect(await readdir(options.cacheDir)).toHaveLength(1)
  })

  test('a Maven that fails is quoted, and what it had got is not taken for the whole', async () => {
    const { options } = await aMaven(`${lays}\necho 'Could not resolve kafka_2.13'\nexit 3`)

    await expect(fetchJars(options)).rejects.toThrow(/exit code 3[\s\S]*Could not resolve kafka_2\.13/)

    expect(await readdir(options.cacheDir)).toEqual([])
  })
})
