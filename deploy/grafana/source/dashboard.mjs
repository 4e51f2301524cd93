import { SERVICES } from '@sync/shared/kafka/topics'
import { DATASOURCE } from './panels.mjs'

/** Grafana lays panels out in 24 columns. */
const COLUMNS = 24
const TAG = 'flow-omnium-sync'
const ALL = { selected: true, text: ['All'], value: ['$__all'] }

const chosen = { includeAll: true, multi: true, current: ALL, hide: 0, skipUrlSync: false }

const choice = (name, label, values) => ({
  ...chosen,
  ...{ name, label, type: 'custom', query: values.join(',') },
  options: ['All', ...values].map((text) => ({
    text,
    value: text === 'All' ? '$__all' : text,
    selected: text === 'All',
  })),
})
const labelValues = (name, label, query) => ({
  ...chosen,
  ...{ name, label, type: 'query', datasource: DATASOURCE, definition: query, allValue: '.*' },
  ...{ query: { qryType: 1, query, refId: name }, refresh: 2, regex: '', sort: 1, options: [] },
})

/** The instances of the services that the matchers choose. */
export const instancesOf = (matchers) =>
  labelValues('instance', 'Instance', `label_values(sync_build_info{${matchers}}, instance)`)

export const VARIABLES = {
  job: choice('job', 'Service', SERVICES),
  instance: instancesOf('job=~"$job"'),
  tenant: labelValues('tenant', 'Tenant', 'label_values(sync_tenant_records_total, tenant)'),
  target: choice('target', 'Target', ['flow', 'omnium']),
}

const datasource = {
  ...{ name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', regex: '', hide: 0 },
  ...{ includeAll: false, multi: false, current: {}, options: [], refresh: 1, skipUrlSync: false },
}

const annotation = (name, iconColor, expr, titleFormat) => ({
  ...{ name, iconColor, expr, titleFormat, datasource: DATASOURCE, enable: true, hide: false },
  ...{ step: '60s', useValueForTime: false },
})
const ANNOTATIONS = [
  {
    ...{ builtIn: 1, datasource: { type: 'grafana', uid: '-- Grafana --' }, enable: true, hide: true },
    ...{ iconColor: 'rgba(0, 211, 255, 1)', name: 'Annotations & Alerts', type: 'dashboard' },
  },
  annotation('Alerts', 'red', 'ALERTS{alertname=~"Sync.*",alertstate="firing"}', '{{alertname}}'),
  annotation(
    'Starts of a process',
    'blue',
    `changes(process_start_time_seconds{job=~"${SERVICES.join('|')}"}[1m]) > 0`,
    '{{job}} {{instance}}',
  ),
]

/** Rows of panels, each filled from the left; a panel that finds no room begins a new line. */
function laidOut(rows) {
  const panels = []
  let y = 0
  const place = (panel, x) => panels.push({ ...panel, id: panels.length + 1, gridPos: { ...panel.gridPos, x, y } })
  for (const { title, panels: inRow } of rows) {
    place({ type: 'row', title, collapsed: false, panels: [], gridPos: { h: 1, w: COLUMNS } }, 0)
    y += 1
    let x = 0
    let height = 0
    for (const panel of inRow) {
      if (x + panel.gridPos.w > COLUMNS) {
        y += height
        x = 0
        height = 0
      }
      place(panel, x)
      x += panel.gridPos.w
      height = Math.max(height, panel.gridPos.h)
    }
    y += height
  }
  return panels
}

/** A dashboard of Grafana 11 and later. */
export const dashboard = ({ uid, title, description, variables, rows }) => ({
  ...{ uid, title, description, tags: [TAG], id: null, schemaVersion: 39, editable: false },
  ...{ time: { from: 'now-3h', to: 'now' }, refresh: '30s', timezone: 'utc', fiscalYearStartMonth: 0, graphTooltip: 1 },
  annotations: { list: ANNOTATIONS },
  links: [
    {
      ...{ type: 'dashboards', tags: [TAG], title: '', tooltip: '', url: '', icon: 'external link' },
      ...{ asDropdown: false, includeVars: true, keepTime: true, targetBlank: false },
    },
  ],
  templating: { list: [datasource, ...variables] },
  panels: laidOut(rows),
})
