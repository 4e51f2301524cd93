import { type HttpAnswer, headerOf } from './request.ts'

/**
 * Whether an HTML page (or XML) stands in the place of a peer's answer. The body decides first, because gateways send JSON and
 * empty bodies as `text/html` too.
 */
export function isHtmlResponse(answer: HttpAnswer): boolean {
  const text = answer.text.trim()
  if (text === '') return false
  if (text.startsWith('<')) return true
  if (headerOf(answer, 'content-type')?.toLowerCase().includes('html')) return !isJson(text)
  return !/^[[{"]/.test(text) && /<!doctype html|<html[\s>]/i.test(text.slice(0, 1_000))
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
