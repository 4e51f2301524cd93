import type { ValueOf } from '@sync/shared/contracts/contracts'
import type { SourceRecord } from '@sync/shared/kafka/ports'
import type { ContractTopic } from '@sync/shared/kafka/topics'
import { compareVersions } from '@sync/shared/version'

/** The same kind of state of the same key: of these the newest says all; null: a record that stands for itself. */
export function stateOf(
  topic: ContractTopic,
  value: ValueOf<ContractTopic> | null | undefined,
): { readonly group: string; readonly version: string | null } | null {
  if (value === undefined) return null
  if (value === null) return { group: 'tombstone', version: null }
  switch (topic) {
    case 'company.parent-changes.v1': {
      const change = value as ValueOf<'company.parent-changes.v1'>
      if (change.type === 'element-removed') return { group: `element ${change.list} ${change.id}`, version: null }
      return change.type === 'parent-observed'
        ? { group: 'parent-observed', version: change.version }
        : // Only the last announcement is sure to come after every attempt of the write that it announces.
          { group: `child ${change.child}`, version: null }
    }
    case 'flow.notifications.v1':
    case 'omnium.notifications.v1': {
      const { entity, kind, action } = value as ValueOf<'flow.notifications.v1'>
      return { group: `${entity} ${kind} ${/delet|eras|anonym/i.test(action ?? '') ? action : ''}`, version: null }
    }
    case 'omnium.customers.v1': {
      const { kind, version } = value as ValueOf<'omnium.customers.v1'>
      return { group: `customer ${kind}`, version }
    }
    default:
      return { group: 'state', version: (value as { version?: string | null }).version ?? null }
  }
}

export interface Selected {
  readonly record: SourceRecord
  readonly value: ValueOf<ContractTopic> | null | undefined
}

/** Keeps the newest of each state, as far as the memory goes: what is sent twice for it costs a look, and changes nothing. */
export function createSelection(maxBytes: number) {
  let newest = new Map<string, Selected & { readonly version: string | null }>()
  let bytes = 0
  const sizeOf = ({ key, value }: SourceRecord) => (key?.length ?? 0) + (value?.length ?? 0) + RECORD_OVERHEAD
  return {
    add(topic: ContractTopic, record: SourceRecord, value: Selected['value']): void {
      const state = record.key === null ? null : stateOf(topic, value)
      const place =
        state === null
          ? `${record.topic}/${record.partition}/${record.offset}`
          : `${record.topic} ${record.key!.toString('latin1')} ${state.group}`
      const known = newest.get(place)
      const version = state?.version ?? null
      if (known !== undefined && compareVersions(version, known.version) < 0) return
      bytes += sizeOf(record) - (known === undefined ? 0 : sizeOf(known.record))
      newest.set(place, { record, value, version })
    },
    get isFull() {
      return bytes >= maxBytes
    },
    /** All that was kept; begins anew. */
    take(): Selected[] {
      const taken = [...newest.values()]
      newest = new Map()
      bytes = 0
      return taken
    },
  }
}

const RECORD_OVERHEAD = 600
