import { describeDefect } from '@sync/sandbox/model-defects'
import type { OmniumApi } from '@sync/sandbox/omnium-api'
import type { Check } from './check.ts'

/** Checks that each request to Omnium has only fields of the model that Omnium documents for the request. */
export function checkModels({ limits, defects }: Pick<OmniumApi, 'limits' | 'defects'>): Check {
  const requests = Object.values(limits.counts()).map((counts) => counts.requests)
  return {
    name: 'no request with a field that its documented model lacks',
    counted: requests.reduce((sum, count) => sum + count, 0),
    wrong: defects.list().map(describeDefect),
  }
}
