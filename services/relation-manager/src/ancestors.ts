const MAX_COMPANIES = 100

/** Whether the way up from `from` comes to `target`. Bounded: a hierarchy that is larger than anybody's is not followed to its end. */
export async function leadsTo(
  target: string,
  from: readonly string[],
  parentsOf: (company: string) => Promise<readonly string[]>,
): Promise<boolean> {
  const seen = new Set<string>()
  const open = [...from]
  for (let company = open.pop(); company !== undefined && seen.size < MAX_COMPANIES; company = open.pop()) {
    if (company === target) return true
    if (seen.has(company)) continue
    seen.add(company)
    open.push(...(await parentsOf(company)))
  }
  return false
}
