import type { Logger } from '../logger.ts'
import { reasonOf, topicsOf } from './denials.ts'
import type { Gate } from './partition-gate.ts'
import type { CommitRequest } from './ports.ts'

/** A partition of which the broker has refused the claim several times. Nothing of the partition is handled meanwhile. */
export interface UnclaimedPartition {
  readonly partition: number
  /** Topics that the broker named in its refusal, else all topics of the claim. */
  readonly topics: readonly string[]
  readonly refusals: number
  readonly problem: string
}

/** By partition number. */
export type WantedGates = readonly (readonly [partition: number, gate: Gate])[]

/** Commits the claims of partitions, with waits that grow while the broker refuses a claim. */
export interface Claims {
  /**
   * Resolves with true once the claim of the wanted partitions is committed. Resolves with false once none is wanted, and if there is no
   * commit to claim them by.
   */
  take(wanted: () => WantedGates): Promise<boolean>
  unclaimed(): readonly UnclaimedPartition[]
  /** No claim is committed by an attempt after this call. Else a claim could follow the release at a stop. */
  stop(): void
  readonly isStopped: boolean
}

export interface ClaimsOptions {
  /** By partition number. */
  readonly gates: ReadonlyMap<number, Gate>
  readonly commit: (requests: readonly CommitRequest[]) => Promise<void>
  /** The commits that claim a partition. */
  readonly requestsFor: (partition: number, gate: Gate) => readonly CommitRequest[]
  readonly logger: Logger
}

const FIRST_WAIT_MS = 500
const MAX_WAIT_MS = 30_000
/** A coordinator that moves to another broker refuses one or two attempts. */
const REFUSALS_BEFORE_TOLD = 3

export function createClaims({ gates, commit, requestsFor, logger }: ClaimsOptions): Claims {
  let stopped = false

  const note = (wanted: WantedGates, requests: readonly CommitRequest[], error: unknown) => {
    const named = topicsOf(error)
    const topics = named.length > 0 ? [...named] : [...new Set(requests.map(({ topic }) => topic))]
    for (const [, gate] of wanted) {
      gate.refused = { refusals: (gate.refused?.refusals ?? 0) + 1, topics, problem: reasonOf(error) }
    }
    logger.warn(
      { err: error, topics, partitions: wanted.map(([partition]) => partition) },
      'claiming partitions failed, trying again',
    )
  }

  return {
    async take(wanted) {
      for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(MAX_WAIT_MS, 2 * waitMs)) {
        const current = stopped ? [] : wanted()
        if (current.length === 0) return false
        const requests = current.flatMap(([partition, gate]) => requestsFor(partition, gate))
        if (requests.length === 0) return false
        try {
          await commit(requests)
          for (const [, gate] of current) gate.refused = null
          return true
        } catch (error) {
          note(current, requests, error)
          await new Promise((resolve) => setTimeout(resolve, waitMs))
        }
      }
    },
    unclaimed: () =>
      [...gates].flatMap(([partition, { refused }]) =>
        refused !== null && refused.refusals >= REFUSALS_BEFORE_TOLD ? [{ partition, ...refused }] : [],
      ),
    stop() {
      stopped = true
    },
    get isStopped() {
      return stopped
    },
  }
}
