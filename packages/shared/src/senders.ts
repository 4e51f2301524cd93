import { SERVICES, type ServiceName } from './kafka/topics.ts'

/** Whoever sends requests to the peers. */
export type Sender = ServiceName | 'syncctl'
export const SENDERS: readonly Sender[] = [...SERVICES, 'syncctl']
