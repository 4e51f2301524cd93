import type { StackMode } from '@sync/sandbox/choose-stack'
import { startStack } from '@sync/sandbox/stack'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    brokers: string[]
    registryUrl: string
    stackMode: StackMode
  }
}

/**
 * Starts the one stack that all test files share, and makes it the given stack of the environment, so that also
 * `startStack()` and every program that a test starts use it.
 */
export default async ({ provide }: TestProject) => {
  const stack = await startStack({ log: (message) => console.error(message) })
  provide('brokers', stack.brokers)
  provide('registryUrl', stack.registryUrl)
  provide('stackMode', stack.mode)
  process.env.KAFKA_BROKERS = stack.brokers.join(',')
  process.env.SCHEMA_REGISTRY_URL = stack.registryUrl
  return () => stack.stop()
}
