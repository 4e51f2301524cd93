import { parser } from '@prometheus-io/lezer-promql'

export interface Selector {
  /** As it stands in the query, without its range. */
  readonly text: string
  readonly metric: string
  readonly matchers: readonly { readonly label: string; readonly op: string; readonly value: string }[]
}

/** What a query asks of Prometheus. */
export interface Query {
  readonly selectors: readonly Selector[]
  /** Each `by (…)`, `on (…)` and the like, with the selectors in what it is of. */
  readonly groupings: readonly { readonly labels: readonly string[]; readonly selectors: readonly Selector[] }[]
}

type Node = ReturnType<ReturnType<typeof parser.parse>['topNode']['getChildren']>[number]

/** Throws on what is no PromQL, with the place. */
export function parseQuery(expr: string): Query {
  const selectors: { readonly from: number; readonly selector: Selector }[] = []
  const groupings: { readonly scope: Node; readonly labels: readonly string[] }[] = []
  const text = ({ from, to }: Node) => expr.slice(from, to)
  parser.parse(expr).iterate({
    enter({ node, type }) {
      if (type.isError) throw new Error(`no PromQL at ${node.from}: ${expr.slice(node.from, node.from + 40)}`)
      if (type.name === 'VectorSelector') selectors.push({ from: node.from, selector: selectorOf(node, text) })
      if (type.name === 'GroupingLabels') {
        groupings.push({ scope: node.parent!.parent!, labels: node.getChildren('LabelName').map(text) })
      }
    },
  })
  return {
    selectors: selectors.map(({ selector }) => selector),
    groupings: groupings.map(({ scope, labels }) => ({
      labels,
      selectors: selectors.filter(({ from }) => from >= scope.from && from < scope.to).map(({ selector }) => selector),
    })),
  }
}

function selectorOf(node: Node, text: (node: Node) => string): Selector {
  const name = node.getChild('Identifier')
  const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []
  return {
    text: text(node),
    metric: name === null ? '' : text(name),
    matchers: matchers.map((matcher) => ({
      label: text(matcher.getChild('LabelName')!),
      op: text(matcher.getChild('MatchOp')!),
      value: text(matcher.getChild('StringLiteral')!).slice(1, -1),
    })),
  }
}
