import type { Dispatcher } from 'undici'
import type { ErrorCode } from '../errors.ts'
import { failureOf, type HttpAnswer, isWrite, type Send, type TargetRequest } from './request.ts'
import type { Schedule } from './schedule.ts'

export interface BaseOptions {
  /** From handing a request over to the end of its answer. */
  readonly deadlineMs: number
  readonly maxAnswerBytes: number
  readonly userAgent: string
  readonly dispatcherOf: (url: URL) => Dispatcher
  readonly schedule: Schedule
}

/** Leaves a byte order mark out. */
const UTF_8 = new TextDecoder()

/**
 * The innermost layer: one request on one connection, no redirects, no retries. Throws SyncError
 * - `target-unreachable`: the request never was on a connection (DNS, refused, TLS, no connection within the deadline)
 * - `target-timeout`, `target-reset`: it was, and no complete answer came
 * - `target-answer-invalid`: what came is not HTTP, or larger than `maxAnswerBytes`
 * - `aborted`: the call's signal ended it
 *
 * with `unknownEnd` for a write that was on a connection. It is undici's `dispatch` and not `request`, because only its
 * handler tells when a request is written to the socket. undici holds it back until a connection stands, or is found to
 * stand still; a process that was frozen in between must not send it any more, so the fence is asked again right then.
 */
export function createBase(options: BaseOptions): Send {
  return (request) => new Promise((resolve, reject) => exchange(options, request, resolve, reject))
}

function exchange(
  { deadlineMs, maxAnswerBytes, userAgent, dispatcherOf, schedule }: BaseOptions,
  request: TargetRequest,
  resolve: (answer: HttpAnswer) => void,
  reject: (error: unknown) => void,
): void {
  const { signal, fence, traceparent } = request.call
  let controller: Dispatcher.DispatchController | undefined
  let isSent = false
  let isOver = false
  let status = 0
  let headers: HttpAnswer['headers'] = {}
  const chunks: Buffer[] = []
  let bytes = 0

  const end = (settle: () => void) => {
    if (isOver) return
    isOver = true
    cancelDeadline()
    signal.removeEventListener('abort', onAbort)
    settle()
  }
  const fail = (code: ErrorCode, why: string, cause?: unknown) =>
    end(() => {
      reject(failureOf(request, code, why, { cause, unknownEnd: isSent && isWrite(request) }))
      controller?.abort(new Error('given up'))
    })
  const onDeadline = () => {
    if (isSent) fail('target-timeout', `no answer within ${deadlineMs} ms`)
    else fail('target-unreachable', `no connection within ${deadlineMs} ms`)
  }
  const onAbort = () => fail('aborted', 'aborted')
  const cancelDeadline = schedule(onDeadline, deadlineMs)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  if (isOver) return

  const url = new URL(request.baseUrl)
  const body = request.body === undefined ? undefined : JSON.stringify(request.body)
  dispatcherOf(url).dispatch(
    {
      origin: url.origin,
      path: `${url.pathname.replace(/\/$/, '')}${request.path}`,
      method: request.method,
      headers: {
        accept: 'application/json',
        // Left out, it would allow any.
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
        } catch (error) {
          end(() => reject(error))
          started.abort(new Error('fenced'))
        }
      },
      onResponseStart(_controller, statusCode, answered) {
        status = statusCode
        headers = answered
      },
      onResponseData(_controller, chunk) {
        bytes += chunk.length
        if (bytes <= maxAnswerBytes) chunks.push(chunk)
        else fail('target-answer-invalid', `an answer of more than ${maxAnswerBytes} bytes`)
      },
      onResponseEnd() {
        end(() => resolve({ status, headers, text: UTF_8.decode(Buffer.concat(chunks)) }))
      },
      onResponseError(_controller, error) {
        const { code = error.name } = error as NodeJS.ErrnoException
        if (!isSent) fail('target-unreachable', code, error)
        else if (error.name === 'HTTPParserError') fail('target-answer-invalid', 'not HTTP', error)
        else fail('target-reset', code, error)
      },
    },
  )
}
