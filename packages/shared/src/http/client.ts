import { SyncError, type Target } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { Metrics } from '../metrics.ts'
import type { Tracer } from '../tracing.ts'
import { requireAnswer } from './answer.ts'
import { authorize, type Credentials } from './auth.ts'
import type { Call } from './call.ts'
import type { Circuits } from './circuits.ts'
import type { Limits } from './limits.ts'
import { log, measure, traced } from './observe.ts'
import type { Patience } from './patience.ts'
import { type HttpAnswer, isWrite, type Send, stack, type TargetRequest } from './request.ts'
import type { Roles } from './roles.ts'
import { requireSlotOrder } from './slot.ts'

export interface ClientOptions {
  readonly target: Target
  readonly base: Send
  readonly circuits: Circuits
  readonly limits: Limits
  readonly roles: Roles
  /** Made over `sendToken`, by which tokens are fetched: without the circuit and the limits. */
  readonly credentials: (sendToken: Send) => Credentials
  readonly metrics: Pick<Metrics, 'targetRequestsTotal' | 'targetRequestSeconds'>
  readonly logger: Pick<Logger, 'debug'>
  readonly patience: Patience
  readonly tracer: Tracer
  /** ms since the epoch. */
  readonly wallNow: () => number
}

/** What a peer's client says of a request; its target and its tenant's base URL are filled in. */
export type Asked = Omit<TargetRequest, 'target' | 'baseUrl' | 'call'>

/**
 * Sends a request. An answer of 2xx, or of one of the statuses in `answers`, is read by `read`, unless it is an HTML response.
 * Throws SyncError for everything else.
 */
export type SendRequest = <T>(
  call: Call,
  asked: Asked,
  answers: readonly number[],
  read: (answer: HttpAnswer, request: TargetRequest) => T,
) => Promise<T>

export interface TargetClient {
  /** Sends a request, and the circuit takes note of how it ended. */
  readonly send: SendRequest
  /** Sends a request of which the circuit takes no note: for a caller that has entered `guard` itself. */
  readonly sendInGuard: SendRequest
  /** Sends a read that neither the circuit nor the queue of the rate limit holds back, such as a probe. */
  readonly sendAside: SendRequest
  /**
   * Runs `work` with a call that holds a slot of the target, and gives the slot back after `work` in every case. The slot
   * takes the rate-limit tokens of two requests at once: the read that decides, and the write. `work` of a call that already
   * holds a slot of the target is run as it is. Throws SyncError `aborted` or `circuit-open` before `work` began.
   */
  inSlot<T>(call: Call, work: (call: Call) => Promise<T>): Promise<T>
}

/**
 * The layers around one request. Their order is the design, from the outermost in:
 * 1. circuit: sees the end that counts, after all of the below; what it refuses costs nothing
 * 2. answer: a status or a body that means failure is one, so that the circuit sees it
 * 3. auth: waits for a token; its one repeat after a 401 passes everything below again
 * 4. limits: waits for the request's slot and rate-limit token, the last wait that there is; a 429 is a failure from here on
 * 5. circuit and fence, asked when the turn has come: the wait may have been long. No wait and no repeat is inside, so
 *    nothing is sent later than right after the fence agreed
 * 6. trace, metrics, log: what was really sent, without our own waits
 * 7. patience: how long the answer is waited for
 * 8. base: one exchange, with a deadline
 *
 * A write that failed is the runtime's to repeat, which asks for its key, its circuit and its fence anew. A read whose answer
 * takes unusually long is sent again between 2 and 3, and a read that failed in a brownout by the circuit. Both pass all layers
 * inside once more, the fence too.
 */
export function createClient(options: ClientOptions): TargetClient {
  const { target, base, circuits, limits, roles, patience, wallNow } = options
  const observing = [traced(options.tracer), measure(options.metrics), log(options.logger)]
  const observed = stack([...observing, patience.limit], base)
  // Omnium does not count token requests.
  const credentials = options.credentials(stack([fence], observed))
  const askLast = ({ call }: TargetRequest) => {
    circuits.recheck(call, target)
    call.fence()
  }
  const inTurn = patience.repeatReads(authorize(credentials, limits.wait(askLast))(observed))
  const aside = patience.repeatReads(authorize(credentials, (next) => limits.debit(fence(next)))(observed))
  const requireExpected = (request: TargetRequest, answer: HttpAnswer, answers: readonly number[]) => {
    try {
      requireAnswer(request, answer, answers, wallNow())
      roles.granted(request)
    } catch (error) {
      if (error instanceof SyncError && error.code === 'role-missing') roles.refused(request)
      throw error
    }
  }
  const requestOf = (call: Call, asked: Asked): TargetRequest => ({
    ...asked,
    target,
    baseUrl: call.tenant[target].baseUrl,
    call,
  })

  const sendBy =
    (exchange: Send): SendRequest =>
    async (call, asked, answers, read) => {
      const request = requestOf(call, asked)
      const answer = await exchange(request)
      requireExpected(request, answer, answers)
      return read(answer, request)
    }
  const sendInTurn = sendBy(inTurn)
  const sendInGuard: SendRequest = async (call, asked, answers, read) => {
    requireSlotOrder(call, target)
    return sendInTurn(call, asked, answers, read)
  }
  return {
    async send(call, asked, answers, read) {
      requireSlotOrder(call, target)
      const writes = isWrite(requestOf(call, asked))
      return circuits.guard(call, target, writes, () => sendInTurn(call, asked, answers, read))
    },
    sendInGuard,
    sendAside: sendBy(aside),
    async inSlot(call, work) {
      if (call.slots?.[target] !== undefined) return work(call)
      requireSlotOrder(call, target)
      circuits.recheck(call, target)
      const slot = await limits.slot(call)
      try {
        return await work({ ...call, slots: { ...call.slots, [target]: slot } })
      } finally {
        slot.release()
      }
    },
  }
}

const fence = (next: Send): Send => {
  return (request) => {
    request.call.fence()
    return next(request)
  }
}
