/** What one window of a soak showed. */
export interface Sample {
  /** ms, from the change at its source to its effect. */
  readonly latencies: readonly number[]
  readonly processes: ReadonlyMap<string, { readonly rssMiB: number; readonly handles: number }>
}

/** How much a series changes: the slope of its least-squares line, and its mean. */
export function change(series: readonly number[]): { readonly perWindow: number; readonly mean: number } {
  const n = series.length
  const mean = series.reduce((sum, value) => sum + value, 0) / n
  const middle = (n - 1) / 2
  const spread = series.reduce((sum, _, i) => sum + (i - middle) ** 2, 0)
  const perWindow = spread === 0 ? 0 : series.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0) / spread
  return { perWindow, mean }
}

const MAX_GROWTH = 0.15

/** Whether its line rises by no more than 15 % of its mean from one end to the other, or by no more than `slack`. */
export function isFlat(series: readonly number[], slack = 0): boolean {
  const { perWindow, mean } = change(series)
  return perWindow * (series.length - 1) <= Math.max(mean * MAX_GROWTH, slack)
}
