import { randomUUID } from 'node:crypto'
import { type Stack, type StackOptions, startStack } from '@sync/sandbox/stack'
import { inject } from 'vitest'

/** The stack that all test files share; nobody but the run itself stops it. */
export const sharedStack = () => ({
  mode: inject('stackMode'),
  brokers: inject('brokers'),
  registryUrl: inject('registryUrl'),
})

/** TOPIC_PREFIX of one test file, so that files which share the stack do not meet. */
export const newTopicPrefix = (file: string): string => `${file}-${randomUUID().slice(0, 8)}.`

/** This environment without the shared stack: who starts a stack with it gets one of their own. */
export const envWithoutStack = (): NodeJS.ProcessEnv => {
  const { KAFKA_BROKERS: _brokers, SCHEMA_REGISTRY_URL: _registryUrl, ...env } = process.env
  return env
}

/**
 * A stack of one's own, for a test that takes the broker down. Run on Java, because only there it can be: such a test
 * belongs under `describe.runIf(sharedStack().mode === 'jvm')`.
 */
export const startOwnStack = (options: Omit<StackOptions, 'env'> = {}): Promise<Stack> =>
  startStack({ ...options, env: { ...envWithoutStack(), SYNC_STACK: 'jvm' } })
