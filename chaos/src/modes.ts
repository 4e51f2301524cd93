import type { TenantModes } from './plan-modes.ts'
import type { System } from './system.ts'

/** Both stand-ins behave as drawn from now on. */
export function applyModes({ flow, omnium }: Pick<System, 'flow' | 'omnium'>, modes: readonly TenantModes[]): void {
  for (const drawn of modes) {
    flow.setModes(drawn.tenant, drawn.flow)
    omnium.setModes(drawn.tenant, drawn.omnium)
    for (const { target, rule } of drawn.faults) ({ flow, omnium })[target].faults.add(rule)
  }
}

/** One line for each peer of each tenant. */
export const describeModes = (modes: readonly TenantModes[]): string[] =>
  modes.flatMap(({ tenant, flow, omnium, faults }) =>
    Object.entries({ flow, omnium }).map(([target, drawn]) => {
      const set = Object.entries(drawn).filter(([, value]) => value !== null && value !== false)
      const rules = faults.flatMap(({ target: of, rule: { tenant: _, ...rule } }) => (of === target ? [rule] : []))
      return `${tenant} at ${target}: ${JSON.stringify(Object.fromEntries(set))} ${JSON.stringify(rules)}`
    }),
  )
