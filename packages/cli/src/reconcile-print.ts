import type { Drift } from './reconcile-compare.ts'
import type { ReconcileSummary } from './reconcile-report.ts'
import { counted, duration, painter, type Terminal, titled } from './terminal.ts'

/** Ids and names of fields; values, which are personal data, only when asked for. */
export async function* shownOf(drifts: AsyncIterable<Drift>, showValues: boolean): AsyncIterable<Drift> {
  for await (const drift of drifts) {
    yield showValues ? drift : { ...drift, changes: drift.changes.map(({ field }) => ({ field })) }
  }
}

/** One JSON array, drift by drift: there may be more than fit into memory. */
export async function printJson(drifts: AsyncIterable<Drift>, terminal: Terminal): Promise<void> {
  let isFirst = true
  terminal.out('[')
  for await (const { cure: _cure, ...drift } of drifts) {
    terminal.out(`${isFirst ? '' : ','}\n  ${JSON.stringify(drift)}`)
    isFirst = false
  }
  terminal.out(`${isFirst ? '' : '\n'}]\n`)
}

export async function printValues(drifts: AsyncIterable<Drift>, terminal: Terminal): Promise<void> {
  for await (const { customer, kind, target, changes } of drifts) {
    const values = changes.map(
      ({ field, before, after }) => `  ${field}: ${JSON.stringify(before)} → ${JSON.stringify(after)}\n`,
    )
    terminal.out(`${customer}  ${kind} in ${target}\n${values.join('')}`)
  }
}

/** Drift by kind and by field, with examples. */
export function describeDrift(summary: ReconcileSummary, terminal: Terminal): string {
  const { tenant, customersInFlow, customersInOmnium, looked, byKind, byField, durationMs, drifts } = summary
  const paint = painter(terminal)
  const of =
    looked === null
      ? `${counted(customersInFlow ?? 0, 'customer')} in flow and ${counted(customersInOmnium ?? 0, 'customer')} in omnium`
      : counted(looked, 'customer')
  const took = `${of} compared in ${duration(durationMs)}`
  if (drifts === 0) return `${paint('green', `No drift for tenant ${tenant}`)}: ${took}.\n`
  const kinds = byKind.map(({ kind, drifts: n, repaired, reported, examples }) => [
    ...[kind, String(n), String(repaired), String(reported), examples.join(' ')],
  ])
  const names = byField.map(({ field, drifts: n }) => [field, String(n)])
  const head = ['DRIFT', 'COUNT', 'REPAIRABLE', 'REPORTED ONLY', 'EXAMPLES']
  return [
    titled(terminal, head, kinds),
    names.length > 0 ? `\n${titled(terminal, ['FIELD', 'COUNT'], names)}` : '',
    `\n${paint('bold', `${counted(drifts, 'drift')} for tenant ${tenant}`)}: ${took}.\n`,
  ].join('')
}
