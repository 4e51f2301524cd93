import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const FOLDER = resolve(import.meta.dirname, '..', '..', 'deploy', 'grafana', 'dashboards')

/** A query of a dashboard, as Grafana asks it once it has put the variables in. */
export interface DashboardQuery {
  readonly dashboard: string
  /** The panel's title, or what else asks it. */
  readonly asks: string
  readonly expr: string
  /** Labels that the legend shows. */
  readonly legend: readonly string[]
}

export interface Target {
  readonly expr: string
  readonly legendFormat?: string
}
export interface Panel {
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly Target[]
  readonly links?: readonly { readonly url: string }[]
}
export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly panels: readonly Panel[]
  readonly annotations: {
    readonly list: readonly { readonly name: string; readonly expr?: string; readonly titleFormat?: string }[]
  }
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[]
  }
}

export const readDashboards = (): readonly Dashboard[] =>
  readdirSync(FOLDER).map((name) => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')))

/** Panels, annotations, and what fills the variables. `values`: of the variables, `$__rate_interval` among them. */
export function queriesOf(dashboard: Dashboard, values: Readonly<Record<string, string>>): readonly DashboardQuery[] {
  const { uid, panels, annotations, templating } = dashboard
  const query = (asks: string, expr: string, legend = '') => ({
    dashboard: uid,
    asks,
    expr: expr.replaceAll(/\$\{?(\w+)\}?/g, (whole, name) => values[name] ?? whole),
    legend: [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!),
  })
  return [
    ...panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr, legendFormat }) => query(title, expr, legendFormat)),
    ),
    ...annotations.list.flatMap(({ name, expr, titleFormat }) =>
      expr === undefined ? [] : [query(`annotation: ${name}`, expr, titleFormat)],
    ),
    ...templating.list.flatMap(({ name, definition }) => {
      const [, selector, label] = /^label_values\((.+), (\w+)\)$/.exec(definition ?? '') ?? []
      return selector === undefined ? [] : [query(`variable: ${name}`, `count by (${label}) (${selector})`)]
    }),
  ]
}
