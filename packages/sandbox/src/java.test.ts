import { expect, test } from 'vitest'
import { findJava, jvmEnv, parseJavaVersion } from './java.ts'

test.each([
  ['openjdk version "17.0.15" 2025-04-15', 17],
  ['java version "21" 2023-09-19 LTS', 21],
  ['java version "1.8.0_292"', 8],
  ['Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "25-ea" 2025-09-16', 25],
  ['The operation couldn’t be completed. Unable to locate a Java Runtime.', undefined],
])('the Java that prints %j is of version %j', (output, version) => {
  expect(parseJavaVersion(output)).toBe(version)
})

test('there is no Java on an empty path', async () => {
  expect(await findJava({ PATH: '' })).toBeUndefined()
})

test('settings of the services do not reach the JVMs', () => {
  expect(jvmEnv({ PATH: '/bin', LOG_LEVEL: 'debug', QUARKUS_HTTP_PORT: '1' })).toEqual({ PATH: '/bin' })
})
