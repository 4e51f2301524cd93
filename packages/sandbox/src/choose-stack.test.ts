import { describe, expect, test } from 'vitest'
import { chooseStack, givenStack, type Machine } from './choose-stack.ts'

interface Has {
  docker?: boolean
  java?: string
  maven?: string
  jars?: boolean
}

const aMachine = ({ docker = false, java, maven, jars = false }: Has): Machine => ({
  doesDockerAnswer: async () => docker,
  findJava: async () => java,
  findMaven: async () => maven,
  areJarsCached: async () => jars,
})

describe('a given stack', () => {
  test('is taken as it is, with all its brokers', () => {
    const env = { KAFKA_BROKERS: 'a:9092, b:9092,', SCHEMA_REGISTRY_URL: 'http://r:8081' }
    expect(givenStack(env)).toEqual({ brokers: ['a:9092', 'b:9092'], registryUrl: 'http://r:8081' })
  })

  test('is none when both variables are missing or empty', () => {
    expect(givenStack({})).toBeUndefined()
    expect(givenStack({ KAFKA_BROKERS: '', SCHEMA_REGISTRY_URL: '' })).toBeUndefined()
  })

  test('is refused when only one of the two is set', () => {
    expect(() => givenStack({ KAFKA_BROKERS: 'a:9092' })).toThrow('SCHEMA_REGISTRY_URL is not')
    expect(() => givenStack({ SCHEMA_REGISTRY_URL: 'http://r:8081' })).toThrow('KAFKA_BROKERS is not')
  })
})

describe('without a given stack', () => {
  test('Docker comes before Java', async () => {
    const machine = aMachine({ docker: true, java: '/bin/java', maven: '/bin/mvn' })
    expect(await chooseStack({}, machine)).toEqual({ mode: 'docker' })
  })

  test('Java with Maven serves when no Docker engine answers', async () => {
    const machine = aMachine({ java: '/bin/java', maven: '/bin/mvn' })
    expect(await chooseStack({}, machine)).toEqual({ mode: 'jvm', java: '/bin/java', maven: '/bin/mvn' })
  })

  test('no Maven is needed once everything is fetched', async () => {
    const machine = aMachine({ java: '/bin/java', jars: true })
    expect(await chooseStack({}, machine)).toEqual({ mode: 'jvm', java: '/bin/java', maven: undefined })
  })

  test.each<[string, Has]>([
    ['nothing', {}],
    ['a Maven without a Java', { maven: '/bin/mvn' }],
    ['a Java without a Maven', { java: '/bin/java' }],
  ])('a machine with %s is told what to install', async (_, has) => {
    await expect(chooseStack({}, aMachine(has))).rejects.toThrow(
      /Docker engine[\s\S]*Java 17 or newer and Maven[\s\S]*Found:/,
    )
  })

  test('SYNC_STACK insists on one way', async () => {
    const both = aMachine({ docker: true, java: '/bin/java', maven: '/bin/mvn' })
    expect((await chooseStack({ SYNC_STACK: 'jvm' }, both)).mode).toBe('jvm')

    const noDocker = aMachine({ java: '/bin/java', maven: '/bin/mvn' })
    await expect(chooseStack({ SYNC_STACK: 'docker' }, noDocker)).rejects.toThrow('no Docker engine answers')
    await expect(chooseStack({ SYNC_STACK: 'podman' }, both)).rejects.toThrow('SYNC_STACK is "podman"')
  })
})
