import { isUnreadable, rawOf } from '@sync/shared/http/reading'
import { sameMeaning } from '@sync/shared/same-meaning'
import type { MappedElement } from './map-to-omnium.ts'

export type OmniumElement = Readonly<Record<string, unknown>>

export interface MergedElements {
  /** The whole list to send. */
  readonly elements: readonly OmniumElement[]
  /** Whether it says anything else than Omnium's does now. */
  readonly differs: boolean
}

/**
 * Omnium's list with Flow's elements laid over those of the same id: their unmapped fields stay, new ones come last, and
 * only elements that we wrote (`written`) and Flow no longer has are left out. `country` is the country of phones without one.
 */
export function mergeElements(
  current: readonly OmniumElement[],
  mapped: readonly MappedElement[],
  written: readonly string[],
  idField: 'id' | 'externalId',
  country: string,
): MergedElements {
  const byId = new Map(mapped.map((element) => [element.id, element]))
  const ours = new Set(written)
  const found = new Set<string>()
  const elements: OmniumElement[] = []
  let differs = false

  for (const element of current) {
    const id = idOf(element, idField)
    const news = byId.get(id)
    if (news !== undefined) {
      found.add(id)
      const differing = Object.entries(news.fields).filter(
        ([field, value]) => !isUnreadable(element, field) && !equal(field, element[field], value, country),
      )
      elements.push({ ...rawOf(element), ...Object.fromEntries(differing) })
      differs ||= differing.length > 0
    } else if (ours.has(id)) {
      differs = true
    } else {
      elements.push(rawOf(element))
    }
  }
  for (const { id, fields } of mapped) {
    if (found.has(id)) continue
    differs = true
    elements.push({ [idField]: id, ...withoutEmpty(fields) })
  }
  return { elements, differs }
}

const idOf = (element: OmniumElement, idField: string): string => String(element[idField] ?? '')

const equal = (field: string, a: unknown, b: unknown, country: string): boolean =>
  Array.isArray(a) || Array.isArray(b)
    ? sameList(a, b)
    : sameMeaning(field, a as string | null, b as string | null, country)

function sameList(a: unknown, b: unknown): boolean {
  const left = Array.isArray(a) ? a : []
  const right = Array.isArray(b) ? b : []
  return left.length === right.length && left.every((value, index) => value === right[index])
}

/** What a new element is sent with: empty fields say nothing there. */
export const withoutEmpty = (fields: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0)),
  )
