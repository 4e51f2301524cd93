import type { ValueOf } from '@sync/shared/contracts/contracts'
import { SyncError } from '@sync/shared/errors'
import type { SourceRecord } from '@sync/shared/kafka/ports'
import type { ContractTopic } from '@sync/shared/kafka/topics'
import type { Cluster } from './cluster.ts'

/** null: a tombstone; undefined: what keeps no contract of ours (the service that reads it says what is wrong with it). */
export async function readValue<T extends ContractTopic>(
  { contracts }: Cluster,
  topic: T,
  { value }: Pick<SourceRecord, 'value'>,
): Promise<ValueOf<T> | null | undefined> {
  if (value === null) return null
  try {
    return await contracts.codec.decode(topic, value)
  } catch (error) {
    if (error instanceof SyncError && error.code === 'contract-violation') return undefined
    throw error
  }
}
