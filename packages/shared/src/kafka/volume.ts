import { createCounts } from './counts.ts'

/** A number of records and their bytes, in all and by tenant. */
export interface Volume {
  readonly records: number
  readonly bytes: number
  recordsOf(tenant: string): number
  bytesOf(tenant: string): number
  /** Those that have records. */
  tenants(): IterableIterator<string>
  add(record: { readonly tenant: string; readonly bytes: number }, by: 1 | -1): void
}

export function createVolume(): Volume {
  const recordsOf = createCounts()
  const bytesOf = createCounts()
  let records = 0
  let bytes = 0
  return {
    get records() {
      return records
    },
    get bytes() {
      return bytes
    },
    recordsOf: recordsOf.get,
    bytesOf: bytesOf.get,
    tenants: recordsOf.names,
    add({ tenant, bytes: own }, by) {
      records += by
      bytes += by * own
      recordsOf.add(tenant, by)
      bytesOf.add(tenant, by * own)
    },
  }
}
