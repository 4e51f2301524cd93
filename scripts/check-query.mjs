import { parseQuery } from '@sync/e2e/promql'
import { KNOWN_VALUES } from './metric-names.mjs'

/** What is wrong with a query: names and labels that no series has, values that a label never says. `known`: labels by name. */
export function problemsOf(expr, known) {
  const { selectors, groupings } = parseQuery(expr)
  const has = (selector, label) => known.get(selector.metric)?.includes(label) ?? false
  return [
    ...selectors.filter(({ metric }) => !known.has(metric)).map(({ metric }) => `no metric ${metric || 'of any name'}`),
    ...selectors.flatMap((selector) =>
      selector.matchers.flatMap(({ label, op, value }) => [
        ...(has(selector, label) ? [] : [`${selector.metric} has no label ${label}`]),
        ...(saysNothing(label, op, value) ? [`${label} never is ${value}`] : []),
      ]),
    ),
    ...groupings.flatMap(({ labels, selectors: within }) =>
      labels
        .filter((label) => !within.some((selector) => has(selector, label)))
        .map((label) => `nothing there has a label ${label}`),
    ),
  ]
}

/** An alternative that matches none of the values is a slip, so each is looked at by itself. */
function saysNothing(label, op, value) {
  const values = KNOWN_VALUES[label]
  if (values === undefined || value.startsWith('$')) return false
  const alternatives = op.includes('~') ? value.split('|').map((part) => new RegExp(`^(?:${part})$`)) : [value]
  return alternatives.some(
    (part) => !values.some((each) => (typeof part === 'string' ? part === each : part.test(each))),
  )
}
