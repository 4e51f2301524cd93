import { CONTRACTS, type ValueOf } from '../contracts/contracts.ts'
import type { HandedOn, Message, Publisher } from '../kafka/publisher.ts'
import type { ContractTopic, ServiceName } from '../kafka/topics.ts'

export interface Published<T extends ContractTopic = ContractTopic> extends Message<T> {
  readonly topic: T
}

/** Keeps what was published, in order; checks each value by its topic's contract and asks the fence. */
export interface FakePublisher extends Publisher {
  readonly published: readonly Published[]
  /** What was written to the retry topics of other services. */
  readonly handedOn: readonly (HandedOn<ContractTopic> & { readonly to: ServiceName; readonly topic: ContractTopic })[]
  values<T extends ContractTopic>(topic: T): ValueOf<T>[]
  forget(): void
  /** The next `times` produces fail, nothing written. */
  fail(error: Error, times?: number): void
  /** Runs before every produce; may wait on a latch or throw. */
  before(hook: (topic: ContractTopic, messages: readonly Message<ContractTopic>[]) => void | Promise<void>): void
}

export function createFakePublisher(): FakePublisher {
  const published: Published[] = []
  const handedOn: (HandedOn<ContractTopic> & { to: ServiceName; topic: ContractTopic })[] = []
  const failures: Error[] = []
  const hooks: Parameters<FakePublisher['before']>[0][] = []
  return {
    published,
    handedOn,
    values: <T extends ContractTopic>(topic: T) =>
      published.filter((message) => message.topic === topic).map((message) => message.value) as ValueOf<T>[],
    forget() {
      published.length = 0
      handedOn.length = 0
    },
    fail: (error, times = 1) => void failures.push(...Array<Error>(times).fill(error)),
    before: (hook) => void hooks.push(hook),
    async handOn(to, topic, message, fence) {
      fence?.()
      const failure = failures.shift()
      if (failure !== undefined) throw failure
      if (message.value !== null) CONTRACTS[topic].parse(message.value)
      handedOn.push({ to, topic, ...structuredClone(message) })
    },
    async publish(topic, messages, fence) {
      for (const hook of hooks) await hook(topic, messages)
      fence?.()
      const failure = failures.shift()
      if (failure !== undefined) throw failure
      for (const message of messages) {
        if (message.value !== null) CONTRACTS[topic].parse(message.value)
        published.push({ topic, ...structuredClone(message) })
      }
    },
  }
}
