import type { z } from 'zod'
import type { ContractTopic } from '../kafka/topics.ts'
import { Notification } from './notification.ts'
import { ParentChange } from './parent-change.ts'
import { FlowCustomerSnapshot, FlowOrderSnapshot, OmniumCustomerSnapshot, OmniumOrderSnapshot } from './snapshots.ts'
import { SyncCursor } from './sweep-cursor.ts'
import { SyncOutcome } from './sync-outcome.ts'

/** The one definition of each topic's value; the JSON Schema in the registry is generated from it. */
export const CONTRACTS = {
  'flow.notifications.v1': Notification,
  'flow.customers.v1': FlowCustomerSnapshot,
  'flow.orders.v1': FlowOrderSnapshot,
  'omnium.notifications.v1': Notification,
  'omnium.orders.v1': OmniumOrderSnapshot,
  'omnium.customers.v1': OmniumCustomerSnapshot,
  'company.parent-changes.v1': ParentChange,
  'sync.outcomes.v1': SyncOutcome,
  'sync.cursors.v1': SyncCursor,
} as const satisfies Record<ContractTopic, z.ZodType>

export type ValueOf<T extends ContractTopic> = z.infer<(typeof CONTRACTS)[T]>
