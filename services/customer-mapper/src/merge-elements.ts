import { isUnreadable, rawOf, unsendableOf } from '@sync/shared/http/reading'
import { sameMeaning } from '@sync/shared/same-meaning'
import type { MappedElement } from './map-to-omnium.ts'

export type OmniumElement = Readonly<Record<string, unknown>>

/**
 * What a write takes out of a list: an element of ours (`removed`), a second form of an element (`second`), or the form of an
 * element that another form replaces (`replaced`).
 */
export type OldElement =
  | { readonly id: string; readonly why: 'removed' | 'second' }
  | { readonly id: string; readonly why: 'replaced'; readonly form: OmniumElement }

export interface MergedElements {
  /** The whole list to send. */
  readonly elements: readonly OmniumElement[]
  /** Whether it says anything else than Omnium's does now. */
  readonly differs: boolean
  /** What Omnium has now and `elements` lacks. A PATCH that merges lists keeps it. */
  readonly old: readonly OldElement[]
  /** False if an element holds an unreadable value that Flow does not replace. Then the list must not be sent. */
  readonly isSendable: boolean
}

/**
 * Omnium's list with Flow's elements laid over those of the same id: their unmapped fields stay, new ones come last, and only
 * elements that we wrote (`written`) and Flow no longer has are left out. An element without an id is another system's and stays.
 * A second element of one id is left out too, because a PATCH that merges lists puts a changed element beside its old form.
 * `country` is the country of phones without one. With `replacesUnreadable` an unreadable field of Omnium's differs from each
 * value of Flow's.
 */
export function mergeElements(
  current: readonly OmniumElement[],
  mapped: readonly MappedElement[],
  written: readonly string[],
  idField: 'id' | 'externalId',
  country: string,
  replacesUnreadable: boolean,
): MergedElements {
  const byId = new Map(mapped.map((element) => [element.id, element]))
  const ours = new Set(written)
  const found = new Set<string>()
  const elements: OmniumElement[] = []
  const old: OldElement[] = []
  let differs = false
  let isSendable = true

  for (const element of current) {
    const id = idOf(element, idField)
    const news = byId.get(id)
    if (news !== undefined && !found.has(id)) {
      found.add(id)
      const differing = Object.entries(news.fields).filter(([field, value]) =>
        isUnreadable(element, field)
          ? replacesUnreadable && isFilled(value)
          : !equal(field, element[field], value, country),
      )
      isSendable &&= unsendableOf(element).every((field) => differing.some(([replaced]) => replaced === field))
      if (differing.length > 0) old.push({ id, why: 'replaced', form: element })
      elements.push({ ...rawOf(element), ...Object.fromEntries(differing) })
      differs ||= differing.length > 0
    } else if (news !== undefined || (id !== '' && ours.has(id))) {
      old.push({ id, why: news === undefined ? 'removed' : 'second' })
      differs = true
    } else {
      isSendable &&= unsendableOf(element).length === 0
      elements.push(rawOf(element))
    }
  }
  for (const { id, fields } of mapped) {
    if (found.has(id)) continue
    differs = true
    elements.push({ [idField]: id, ...withoutEmpty(fields) })
  }
  return { elements, differs, old, isSendable }
}

/** `''` for an element without an id. */
export const idOf = (element: OmniumElement, idField: string): string => String(element[idField] ?? '')

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
  Object.fromEntries(Object.entries(fields).filter(([, value]) => isFilled(value)))

const isFilled = (value: unknown): boolean => value !== null && !(Array.isArray(value) && value.length === 0)
