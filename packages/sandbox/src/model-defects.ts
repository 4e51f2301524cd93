import type { OmniumModel } from './omnium-models.ts'

/** A field in requests that the documented model of the request lacks. Never a value. */
export interface ModelDefect {
  readonly tenant: string
  readonly method: string
  /** The template of the path, such as `/api/PrivateCustomers/:customerId`. */
  readonly path: string
  /** `query`: the request's query and not its body. */
  readonly model: OmniumModel | 'query'
  /** Such as `contacts.mobile`. */
  readonly field: string
}

export interface CountedDefect extends ModelDefect {
  /** The number of requests. */
  readonly count: number
}

export interface ModelDefects {
  add(defect: ModelDefect): void
  list(tenant?: string): readonly CountedDefect[]
  clear(): void
}

export function createModelDefects(): ModelDefects {
  const defects = new Map<string, CountedDefect>()
  return {
    add(defect) {
      const key = JSON.stringify([defect.tenant, defect.method, defect.path, defect.model, defect.field])
      defects.set(key, { ...defect, count: (defects.get(key)?.count ?? 0) + 1 })
    },
    list: (tenant) => [...defects.values()].filter((it) => tenant === undefined || it.tenant === tenant),
    clear: () => defects.clear(),
  }
}

/** One line for people. */
export const describeDefect = ({ tenant, method, path, model, field, count }: CountedDefect): string =>
  `${tenant}: ${method} ${path}: ${model} has no field ${field} (requests: ${count})`
