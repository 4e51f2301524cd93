/** Pieces of PromQL that more than one dashboard is made of. */

/** What the variables of the dashboard choose. */
export const CHOSEN = 'job=~"$job",instance=~"$instance"'

export const LIVE = 'topic!~".*[.]retry[.]v1"'
export const LANE = 'topic=~".*[.]retry[.]v1"'

const by = (labels) => (labels === '' ? '' : `by (${labels}) `)

/** Per second; `labels` is what the lines are told apart by. */
export const rate = (selector, labels = '') => `sum ${by(labels)}(rate(${selector}[$__rate_interval]))`

/** `part` of `whole`, both counters; empty while there is nothing, so that nothing is not taken for a failure. */
export const ratio = (part, whole, labels = '', range = '$__rate_interval') => {
  const sum = (selector) => `sum ${by(labels)}(rate(${selector}[${range}]))`
  return `(${sum(part)} or 0 * ${sum(whole)}) / (${sum(whole)} > 0)`
}

/**
 * Of the last `range`, also the first of its kind, which increase() misses; 0 when there is none. Counts all that a process
 * has counted so far if it was not watched before.
 */
export const countOver = (selector, range) =>
  `sum((${selector} unless ${selector} offset ${range}) or increase(${selector}[${range}])) or vector(0)`

/** Metrics whose samples remember a trace. */
const isTraced = (selector) => /^sync_(end_to_end|handling|target_request|webhook)_seconds_bucket/.test(selector)

/** The usual three, of a histogram. */
export const quantiles = (selector, labels = '', name = '') =>
  [0.5, 0.95, 0.99].map((q) => ({
    expr: `histogram_quantile(${q}, sum by (${['le', labels].filter(Boolean).join(', ')}) (rate(${selector}[$__rate_interval])))`,
    legend: `${name}p${q * 100}`,
    exemplar: isTraced(selector),
  }))

/** One quantile for each value of a label. */
export const quantileBy = (q, selector, label) => ({
  expr: `histogram_quantile(${q}, sum by (le, ${label}) (rate(${selector}[$__rate_interval])))`,
  legend: `{{${label}}}`,
  exemplar: isTraced(selector),
})

/** A rebalance may have two members tell of a partition: it counts once. */
export const lag = (matchers, labels = '') =>
  `sum ${by(labels)}(max by (job, topic, partition) (sync_consumer_lag_records{${matchers}}))`

const changes = (le) =>
  `sync_end_to_end_seconds_bucket{service="customer-mapper",topic="flow.customers.v1",le=~"${le}|${le}[.]0"}`
/** The part of the changes in time, by the objective of recording.yml. */
export const inTime = (range) => ratio(changes('1'), changes('86400'), '', range)
export const objectiveMetric = changes('86400')
