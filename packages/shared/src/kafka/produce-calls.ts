import type { SyncError } from '../errors.ts'
import type { Fence } from '../http/call.ts'
import type { RawMessage } from './ports.ts'

/** A caller of `send`. Its records may go to several leaders. */
export interface Call {
  readonly fence: Fence | undefined
  readonly expiresAt: number
  /** The parts that are not acknowledged yet. */
  parts: number
  /** The caller knows the result. No record of the call may leave from then on. */
  hasEnded: boolean
  resolve(): void
  reject(error: SyncError): void
}

export interface PlacedRecord {
  /** The caller's message. Its partition may be missing. */
  readonly message: RawMessage
  readonly partition: number
}

/** The records of a call that go to one leader. */
export interface Part {
  readonly call: Call
  readonly records: readonly PlacedRecord[]
  readonly bytes: number
}

export function failCall(call: Call, error: SyncError): void {
  if (call.hasEnded) return
  call.hasEnded = true
  call.reject(error)
}

/** One part of the call is stored. */
export function acknowledge(call: Call): void {
  call.parts--
  if (call.parts > 0 || call.hasEnded) return
  call.hasEnded = true
  call.resolve()
}

export const bytesIn = (messages: readonly RawMessage[]): number =>
  messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)

interface Load {
  readonly records: readonly unknown[]
  readonly bytes: number
}

/** Counts the records that wait in one place. */
export function createBound(maxRecords: number, maxBytes: number) {
  let records = 0
  let bytes = 0
  return {
    /** True for any load while nothing waits, so that a large call is possible at all. */
    hasRoomFor: (load: Load): boolean =>
      records === 0 || (records + load.records.length <= maxRecords && bytes + load.bytes <= maxBytes),
    add(load: Load): void {
      records += load.records.length
      bytes += load.bytes
    },
    remove(load: Load): void {
      records -= load.records.length
      bytes -= load.bytes
    },
  }
}
