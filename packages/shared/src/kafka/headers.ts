import type { RawHeaders } from './ports.ts'

/** A header's text (the last one when repeated), or undefined, also when it is null. */
export function headerText(headers: RawHeaders, name: string): string | undefined {
  const value = headers[name]
  const last = Array.isArray(value) ? value.at(-1) : value
  return last?.toString()
}

/** The headers without those that `drop` names. */
export const withoutHeaders = (headers: RawHeaders, drop: (name: string) => boolean): RawHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !drop(name)))

/** `00-<trace id>-<span id>-<flags>`, as in W3C Trace Context. */
export const isTraceparent = (text: string | undefined): text is string =>
  text !== undefined && /^[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/.test(text)
