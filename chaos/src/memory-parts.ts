import { metricValue } from '@sync/shared/testing/metric-value'

const PARTS = [
  ['heap used', 'nodejs_heap_size_used_bytes', {}],
  ['heap', 'nodejs_heap_size_total_bytes', {}],
  ['new space', 'nodejs_heap_space_size_total_bytes', { space: 'new' }],
  ['external', 'nodejs_external_memory_bytes', {}],
] as const

/** The parts of a process's memory by its page of metrics, as text in MiB. `atSeconds` is the age of the run. */
export function memoryParts(page: string, atSeconds: number): string {
  if (page === '') return `at ${atSeconds} s, no metrics`
  const parts = PARTS.map(([name, metric, labels]) => {
    const bytes = metricValue(page, metric, labels)
    return `${name} ${Math.round(bytes / 2 ** 20)}`
  })
  return `at ${atSeconds} s: ${parts.join(', ')}`
}
