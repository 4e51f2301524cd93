import type { Dispatcher } from 'undici'
import type { ErrorCode } from '../errors.ts'
import { type DecodedBody, decodeBody, tooLarge } from './decode-body.ts'
import { createOwnConnections, type OwnConnections } from './own-connections.ts'
import { failureOf, type HttpAnswer, isWrite, type Send, type TargetRequest } from './request.ts'
import type { Schedule } from './schedule.ts'

export interface BaseOptions {
  /** From handing a request over to the end of its answer. A request may name a shorter time from its send to the end of its answer. */
  readonly deadlineMs: number
  readonly maxAnswerBytes: number
  readonly userAgent: string
  readonly dispatcherOf: (url: URL) => Dispatcher
  readonly schedule: Schedule
}

/** What such an answer says is said by its status alone, and a body that cannot be read must not hide it. */
const needsNoBody = (status: number): boolean => status === 401 || status === 429 || status >= 500

/**
 * The innermost layer: one request on one connection, no redirects, no retries. Throws SyncError
 * - `target-unreachable`: the request never was on a connection (DNS, refused, TLS, no connection within the deadline)
 * - `target-timeout`, `target-reset`: it was, and no complete answer came
 * - `target-answer-invalid`: what came is not HTTP, larger than `maxAnswerBytes`, or in an encoding that we cannot read
 * - `aborted`: the call's signal ended it
 *
 * with `unknownEnd` for a write that was on a connection. It is undici's `dispatch` and not `request`, because only its
 * handler tells when a request is written to the socket. undici holds it back until a connection stands, or is found to
 * stand still; a process that was frozen in between must not send it any more, so the fence is asked again right then.
 */
export function createBase(options: BaseOptions): Send {
  const ownConnections = createOwnConnections()
  return (request) => new Promise((resolve, reject) => exchange(options, ownConnections, request, resolve, reject))
}

function exchange(
  { deadlineMs: longestMs, maxAnswerBytes, userAgent, dispatcherOf, schedule }: BaseOptions,
  ownConnections: OwnConnections,
  request: TargetRequest,
  resolve: (answer: HttpAnswer) => void,
  reject: (error: unknown) => void,
): void {
  const { signal, fence, traceparent } = request.call
  // A request waits for its connection as long as for an answer at most.
  let deadlineMs = longestMs
  let controller: Dispatcher.DispatchController | undefined
  let isSent = false
  let isOver = false
  let listening: ((isAnswered: boolean) => void) | null = null
  let status = 0
  let headers: HttpAnswer['headers'] = {}
  const chunks: Buffer[] = []
  let bytes = 0

  const end = (settle: () => void) => {
    if (isOver) return
    isOver = true
    cancelDeadline()
    signal.removeEventListener('abort', onAbort)
    request.giveUp?.removeEventListener('abort', onGiveUp)
    settle()
  }
  const fail = (code: ErrorCode, why: string, cause?: unknown) =>
    end(() => {
      reject(failureOf(request, code, why, { cause, unknownEnd: isSent && isWrite(request) }))
      if (listening === null) controller?.abort(new Error('given up'))
    })
  /** Ends a request that has failed and whose connection has stayed open. */
  const heard = (isAnswered: boolean) => {
    const told = listening
    if (told === null) return
    listening = null
    told(isAnswered)
    controller?.abort(new Error('given up'))
  }
  const onDeadline = () => {
    if (isSent) {
      listening = isOver ? null : (request.onUnanswered?.() ?? null)
      fail('target-timeout', `no answer within ${Math.round(deadlineMs)} ms`)
      const restMs = longestMs - (performance.now() - startedAt)
      if (listening !== null) schedule(() => heard(false), Math.max(0, restMs))
    } else fail('target-unreachable', `no connection within ${Math.round(deadlineMs)} ms`)
  }
  const onDecoded = (decoded: DecodedBody) => {
    if ('text' in decoded) end(() => resolve({ status, headers, text: decoded.text }))
    else if (needsNoBody(status)) end(() => resolve({ status, headers, text: '' }))
    else fail('target-answer-invalid', decoded.problem)
  }
  const onAbort = () => fail('aborted', 'aborted')
  const onGiveUp = () => {
    if (isSent) fail('target-timeout', `no answer within ${Math.round(performance.now() - startedAt)} ms`)
  }
  const startedAt = performance.now()
  let cancelDeadline = schedule(onDeadline, deadlineMs)
  const waitForAnswer = (waitMs: number) => {
    if (waitMs >= longestMs - (performance.now() - startedAt)) return
    cancelDeadline()
    deadlineMs = waitMs
    cancelDeadline = schedule(onDeadline, waitMs)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  request.giveUp?.addEventListener('abort', onGiveUp, { once: true })
  if (signal.aborted) onAbort()
  if (isOver) return

  const url = new URL(request.baseUrl)
  const body = request.body === undefined ? undefined : JSON.stringify(request.body)
  dispatcherOf(url).dispatch(
    {
      origin: url.origin,
      path: `${url.pathname.replace(/\/$/, '')}${request.path}`,
      method: request.method,
      // With `reset` the connection ends with the answer. Left out, connections are kept.
      ...(ownConnections.take(url.origin) && { reset: true }),
      headers: {
        accept: 'application/json',
        // Left out, any would be allowed. Gateways encode all the same.
        'accept-encoding': 'identity',
        'user-agent': userAgent,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(traceparent !== undefined && { traceparent }),
        ...request.headers,
      },
      ...(body !== undefined && { body }),
    },
    {
      onRequestStart(started) {
        controller = started
        if (isOver) return started.abort(new Error('given up before it was sent'))
        try {
          fence()
          isSent = true
          if (request.deadlineMs !== undefined) waitForAnswer(request.deadlineMs)
        } catch (error) {
          end(() => reject(error))
          started.abort(new Error('fenced'))
        }
      },
      onResponseStart(_controller, statusCode, answered) {
        if (listening !== null) return heard(true)
        status = statusCode
        headers = answered
      },
      onResponseData(_controller, chunk) {
        bytes += chunk.length
        if (bytes <= maxAnswerBytes) chunks.push(chunk)
        else fail('target-answer-invalid', tooLarge(maxAnswerBytes))
      },
      onResponseEnd() {
        const decoded = decodeBody({ status, headers, bytes: Buffer.concat(chunks) }, maxAnswerBytes)
        if (decoded instanceof Promise) void decoded.then(onDecoded, (error: unknown) => end(() => reject(error)))
        else onDecoded(decoded)
      },
      onResponseError(_controller, error) {
        if (listening !== null) return heard(false)
        const { code = error.name } = error as NodeJS.ErrnoException
        if (!isSent) fail('target-unreachable', code, error)
        else if (error.name === 'HTTPParserError') fail('target-answer-invalid', 'not HTTP', error)
        else {
          // No byte of an answer came, and we did not end the connection ourselves.
          if (status === 0 && !isOver) ownConnections.closedUnder(url.origin)
          fail('target-reset', code, error)
        }
      },
    },
  )
}
