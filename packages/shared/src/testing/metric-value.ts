type Labels = Readonly<Record<string, string>>

const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g

/**
 * The sum of those series of a page of /metrics that have these labels, 0 when none has. Throws when the page doesn't know
 * the metric, so that no misspelt name reads as 0.
 */
export function metricValue(page: string, name: string, labels: Labels = {}): number {
  const lines = page.split('\n')
  if (!lines.some((line) => line.startsWith(`# TYPE ${name} `))) throw new Error(`no metric ${name} on this page`)
  return lines
    .map((line) => /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line))
    .filter((sample) => sample?.[1] === name && hasLabels(sample[2] ?? '', labels))
    .reduce((sum, sample) => sum + Number(sample![3]), 0)
}

function hasLabels(text: string, labels: Labels): boolean {
  const found = new Map([...text.matchAll(LABEL)].map(([, name, value]) => [name, value]))
  return Object.entries(labels).every(([name, value]) => found.get(name) === value)
}
