import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { KAFKA_VERSION, REGISTRY_VERSION } from '@sync/sandbox/jars'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const read = (path) => readFileSync(join(ROOT, path), 'utf8')
const config = JSON.parse(read('renovate.json'))

describe('renovate.json', () => {
  it('finds every version in jars.ts, and nothing else there', () => {
    const [{ managerFilePatterns, matchStrings }] = config.customManagers
    const [file] = managerFilePatterns.map((pattern) => new RegExp(pattern.slice(1, -1)))
    const text = read('packages/sandbox/src/jars.ts')

    const found = [...text.matchAll(new RegExp(matchStrings[0], 'g'))].map(({ groups }) => ({ ...groups }))

    expect('packages/sandbox/src/jars.ts').toMatch(file)
    expect(found).toHaveLength(text.match(/\bconst \w+_VERSION = /g).length)
    for (const { datasource, depName, currentValue } of found) {
      const [groupId, artifactId] = depName.split(':')
      expect(datasource).toBe('maven')
      expect(text).toMatch(new RegExp(`artifact\\('${groupId}', '${artifactId}', `))
      expect(currentValue).toMatch(/^\d+\.\d+\.\d+/)
    }
  })

  it('leaves a package alone whose internals are mended', () => {
    const rule = config.packageRules.find(({ matchPackageNames }) => matchPackageNames?.includes('kafkajs'))

    expect(rule).toMatchObject({ enabled: false })
  })
})

describe('what stands in several places', () => {
  it('Node has one version', () => {
    const { dependencies } = JSON.parse(read('package.json'))
    const images = globSync('**/Dockerfile*', { cwd: ROOT, exclude: ['**/node_modules/**'] }).flatMap((path) =>
      [...read(path).matchAll(/^(?:FROM |ARG NODE_IMAGE=)node:([\d.]+)/gm)].map(([, version]) => version),
    )

    expect(new Set([read('.nvmrc').trim(), dependencies.node, ...images]).size).toBe(1)
    expect(images).not.toEqual([])
  })

  it.each([
    ['apache/kafka', KAFKA_VERSION],
    ['apicurio/apicurio-registry-kafkasql', REGISTRY_VERSION],
  ])('%s has the version that the tests run on', (image, version) => {
    const found = [...read('docker-compose.yml').matchAll(new RegExp(`image: ${image}:(\\S+)`, 'g'))]

    expect(new Set(found.map(([, tag]) => tag))).toEqual(new Set([version]))
  })

  it('a package has one version, in all workspaces', () => {
    const manifests = globSync(
      ['package.json', '{packages,services}/*/package.json', '{e2e,bench,chaos}/package.json'],
      {
        cwd: ROOT,
      },
    ).map((path) => JSON.parse(read(path)))
    const all = manifests.flatMap(({ dependencies, devDependencies }) =>
      Object.entries({ ...dependencies, ...devDependencies }),
    )

    for (const [name, versions] of Map.groupBy(all, ([name]) => name)) {
      expect([...new Set(versions.map(([, version]) => version))], name).toEqual([
        expect.stringMatching(/^\d+\.\d+\.\d+/),
      ])
    }
  })
})
