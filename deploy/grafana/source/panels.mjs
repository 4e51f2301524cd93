/** Panels of Grafana as data. A query is PromQL, or `{ expr, legend, exemplar }`. */

export const DATASOURCE = { type: 'prometheus', uid: `\${datasource}` }

/** Green below `warn`, yellow from there, red from `bad`; for what is better the higher, `bad` is the lower. */
export const thresholds = ({ warn, bad }) => {
  const step = (color, value) => ({ color, value })
  if (warn === undefined && bad === undefined) return { mode: 'absolute', steps: [step('blue', null)] }
  const steps =
    bad !== undefined && warn !== undefined && bad < warn
      ? [step('red', null), step('yellow', bad), step('green', warn)]
      : [
          step('green', null),
          ...(warn === undefined ? [] : [step('yellow', warn)]),
          ...(bad === undefined ? [] : [step('red', bad)]),
        ]
  return { mode: 'absolute', steps }
}

const target = (query, index, isInstant) => {
  const { expr, legend, exemplar = false } = typeof query === 'string' ? { expr: query } : query
  return {
    refId: String.fromCharCode(65 + index),
    datasource: DATASOURCE,
    editorMode: 'code',
    expr,
    legendFormat: legend ?? '__auto',
    instant: isInstant,
    range: !isInstant,
    exemplar,
    ...(isInstant && { format: 'time_series' }),
  }
}

/** A colour for each series whose name has the word. */
const overrides = (colours) =>
  Object.entries(colours).map(([word, fixedColor]) => ({
    matcher: { id: 'byRegexp', options: `/(^|\\W)${word}(\\W|$)/` },
    properties: [{ id: 'color', value: { mode: 'fixed', fixedColor } }],
  }))

const panel = ({ type, title, description, queries, width, height, links = [], isInstant = false }) => ({
  type,
  title,
  description,
  datasource: DATASOURCE,
  gridPos: { h: height, w: width, x: 0, y: 0 },
  links: links.map(([name, uid]) => ({ title: name, url: `/d/${uid}?\${__url_time_range}&\${__all_variables}` })),
  targets: queries.map((query, index) => target(query, index, isInstant)),
})

const mappingsOf = (words) =>
  words === undefined
    ? []
    : [
        {
          type: 'value',
          options: Object.fromEntries(
            Object.entries(words).map(([value, [text, color]], index) => [value, { text, color, index }]),
          ),
        },
      ]

/** One number, its background coloured by meaning. */
export function stat(title, query, options) {
  const { description, unit = 'short', warn, bad, words, width = 4, links, noValue, decimals } = options
  return {
    ...panel({ type: 'stat', title, description, queries: [query], width, height: 4, links, isInstant: true }),
    fieldConfig: {
      defaults: {
        unit,
        ...(decimals !== undefined && { decimals }),
        ...(noValue !== undefined && { noValue }),
        color: { mode: 'thresholds' },
        thresholds: thresholds({ warn, bad }),
        mappings: mappingsOf(words),
      },
      overrides: [],
    },
    options: {
      colorMode: 'background',
      graphMode: 'none',
      justifyMode: 'auto',
      orientation: 'auto',
      percentChangeColorMode: 'standard',
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
      showPercentChange: false,
      textMode: 'auto',
      wideLayout: true,
    },
  }
}

/** Lines over time, stacked when they are parts of a whole; a dashed line at `warn` and `bad`. */
export function lines(title, queries, options) {
  const {
    description,
    unit = 'short',
    warn,
    bad,
    isStacked = false,
    colours = {},
    width = 8,
    height = 8,
    max,
  } = options
  const hasLimits = warn !== undefined || bad !== undefined
  return {
    ...panel({ type: 'timeseries', title, description, queries, width, height, links: options.links }),
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        ...(max !== undefined && { max }),
        color: { mode: 'palette-classic' },
        thresholds: thresholds({ warn, bad }),
        mappings: [],
        custom: {
          axisPlacement: 'auto',
          drawStyle: 'line',
          fillOpacity: isStacked ? 30 : 5,
          lineInterpolation: 'linear',
          lineWidth: 1,
          showPoints: 'auto',
          spanNulls: false,
          stacking: { group: 'A', mode: isStacked ? 'normal' : 'none' },
          thresholdsStyle: { mode: hasLimits ? 'dashed' : 'off' },
        },
      },
      overrides: overrides(colours),
    },
    options: {
      legend: { calcs: [], displayMode: 'list', placement: 'bottom', showLegend: true },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  }
}

/** A bar for each series whose colour is its state; `words`: `{ value: [text, colour] }`. */
export function states(title, queries, { description, words, width = 12, height = 8, links }) {
  return {
    ...panel({ type: 'state-timeline', title, description, queries, width, height, links }),
    fieldConfig: {
      defaults: {
        color: { mode: 'thresholds' },
        custom: { fillOpacity: 80, lineWidth: 0 },
        mappings: mappingsOf(words),
        noValue: 'none',
        thresholds: thresholds({}),
      },
      overrides: [],
    },
    options: {
      alignValue: 'left',
      legend: { calcs: [], displayMode: 'list', placement: 'bottom', showLegend: false },
      mergeValues: true,
      rowHeight: 0.9,
      showValue: 'auto',
      tooltip: { mode: 'single', sort: 'none' },
    },
  }
}

/** The series of one query, the labels as columns, the highest value first. */
export function table(title, query, { description, unit = 'short', hide = [], value, width = 12, height = 8, links }) {
  const base = panel({ type: 'table', title, description, queries: [query], width, height, links, isInstant: true })
  return {
    ...base,
    targets: base.targets.map((each) => ({ ...each, format: 'table' })),
    transformations: [
      {
        id: 'organize',
        options: {
          excludeByName: Object.fromEntries(['Time', '__name__', ...hide].map((name) => [name, true])),
          renameByName: { Value: value },
          indexByName: {},
        },
      },
    ],
    fieldConfig: {
      defaults: {
        unit,
        color: { mode: 'thresholds' },
        thresholds: thresholds({}),
        mappings: [],
        custom: { align: 'auto' },
      },
      overrides: [],
    },
    options: { cellHeight: 'sm', frameIndex: 0, showHeader: true, sortBy: [{ displayName: value, desc: true }] },
  }
}
