import { Registry } from 'prom-client'

export type OpenMetrics = typeof Registry.OPENMETRICS_CONTENT_TYPE

export interface MetricsText {
  readonly contentType: string
  readonly text: string
}

type Labels = Readonly<Record<string, string | number | undefined>>

/**
 * Writes a registry out, in either format. A scrape of some thousand series (500 tenants) consists of writing labels, and
 * they stay the same: prom-client gives out the same object for a series each time, so its text is kept. Histograms are
 * few, and written by prom-client, which knows exemplars.
 */
export function createMetricsText(registry: Registry<OpenMetrics>): (asOpenMetrics: boolean) => Promise<MetricsText> {
  const written = new WeakMap<object, string>()
  const textOf = (labels: Labels): string => {
    let text = written.get(labels)
    if (text === undefined) {
      text = labelsText(labels)
      written.set(labels, text)
    }
    return text
  }

  const write = async (name: string, asOpenMetrics: boolean): Promise<string> => {
    const metric = registry.getSingleMetric(name)!
    const { help, type, values } = await metric.get()
    const kind = String(type)
    if (kind !== 'counter' && kind !== 'gauge') return registry.getSingleMetricAsString(name)
    const family = asOpenMetrics && kind === 'counter' ? name.replace(/_total$/, '') : name
    const sample = asOpenMetrics && kind === 'counter' ? `${family}_total` : name
    const lines = values.map(({ labels, value }) => `${sample}${textOf(labels)} ${numberText(value)}`)
    return [`# HELP ${family} ${escaped(help)}`, `# TYPE ${family} ${kind}`, ...lines].join('\n')
  }

  const render = async (asOpenMetrics: boolean): Promise<MetricsText> => {
    const contentType = asOpenMetrics ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE
    registry.setContentType(contentType as OpenMetrics)
    const names = registry.getMetricsAsArray().map(({ name }) => name)
    const families = await Promise.all(names.map((name) => write(name, asOpenMetrics)))
    return { contentType, text: `${families.join('\n')}\n${asOpenMetrics ? '# EOF\n' : ''}` }
  }
  let last: Promise<unknown> = Promise.resolve()
  /** One at a time: the format is the registry's. */
  return (asOpenMetrics) => {
    const rendered = last.then(() => render(asOpenMetrics))
    last = rendered.catch(() => {})
    return rendered
  }
}

function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${escaped(String(value)).replaceAll('"', '\\"')}"`,
  )
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')

/** As Prometheus writes what is no finite number. */
const numberText = (value: number): string => {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}
