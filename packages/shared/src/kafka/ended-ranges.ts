/** Offsets from `from` up to and without `to`. */
export interface OffsetRange {
  readonly from: number
  readonly to: number
}

/**
 * Ranges as text: for each the distance from the one before (the first: from `mark`) and its length, in base 36. As many
 * of the first ones as `maxLength` characters hold.
 */
export function encodeRanges(mark: number, ranges: Iterable<OffsetRange>, maxLength: number): string {
  let text = ''
  let at = mark
  for (const { from, to } of ranges) {
    const one = `${text === '' ? '' : '.'}${(from - at).toString(36)}-${(to - from).toString(36)}`
    if (text.length + one.length > maxLength) break
    text += one
    at = to
  }
  return text
}

/** The ranges that `encodeRanges` wrote, ascending; none for a text that it did not write. */
export function decodeRanges(mark: number, text: string): OffsetRange[] {
  const ranges: OffsetRange[] = []
  let at = mark
  for (const one of text === '' ? [] : text.split('.')) {
    const [, distance, length] = /^([0-9a-z]+)-([0-9a-z]+)$/.exec(one) ?? []
    if (distance === undefined || length === undefined) return []
    const from = at + Number.parseInt(distance, 36)
    at = from + Number.parseInt(length, 36)
    if (!Number.isSafeInteger(at)) return []
    ranges.push({ from, to: at })
  }
  return ranges
}
