import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { skipped } from '../outcome.ts'
import type { Classified } from '../stream.ts'
import { patience, runs } from '../testing/runs.ts'
import { keepsPlace, neededForDue } from './due-plan.ts'
import { planKey } from './plan.ts'

const NOW = 10
const classified: fc.Arbitrary<Classified> = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom<Classified>({ end: skipped('echo') }, { end: skipped('deleted') }) },
  { weight: 1, arbitrary: fc.constant<Classified>({ end: skipped('deleted'), endsOlder: true }) },
  {
    weight: 8,
    arbitrary: fc.record({
      group: fc.constantFrom('a', 'b', null, null),
      version: fc.constantFrom('1', '2', '3'),
      targets: fc.constant([]),
      repair: fc.boolean(),
    }),
  },
)
const records = fc
  .array(
    fc.record({
      topic: fc.constantFrom('one', 'two'),
      isOfRetryTopic: fc.boolean(),
      dueAt: fc.constantFrom(0, 0, 50, 50, 50),
      classified,
    }),
    { maxLength: 12 },
  )
  .map((all) =>
    all.map(({ topic, isOfRetryTopic, dueAt, classified }, offset) => ({
      record: { origin: { topic, partition: 0, offset }, dueAt, mark: isOfRetryTopic ? {} : null },
      classified,
    })),
  )

describe('a plan of the records that are needed for the due records', () => {
  it('equals a plan of all records for the due records and for the records that end', patience, () => {
    fc.assert(
      fc.property(records, (all) => {
        const [whole, part] = [planKey(all), planKey(neededForDue(all, NOW))]
        const isDue = ({ record }: { record: { dueAt: number } }) => record.dueAt <= NOW

        expect(part.ends).toEqual(whole.ends)
        // A lead that is not due keeps its older ones from being handled, so that it matters if one of those is due.
        const isOfDue = (lead: (typeof whole.leads)[number]) =>
          isDue(lead) || lead.older.some((record) => isDue({ record }))
        expect(part.leads.filter(isOfDue)).toEqual(whole.leads.filter(isOfDue))
        const firstInPlace = (plan: typeof whole) =>
          plan.leads.find((lead) => keepsPlace(lead.record, lead.classified) && !isDue(lead))
        expect(firstInPlace(part)).toEqual(firstInPlace(whole))
      }),
      runs(500),
    )
  })

  it('holds none of thousands of waiting records that do not concern the due records', () => {
    const waiting = Array.from({ length: 5_000 }, (_, offset) => ({
      record: { origin: { topic: 'one', partition: 0, offset }, dueAt: 50, mark: null },
      classified: { group: 'a', version: '1', targets: [] },
    }))
    const due = {
      record: { origin: { topic: 'one', partition: 0, offset: 5_000 }, dueAt: 0, mark: null },
      classified: { group: 'b', version: '1', targets: [] },
    }

    expect(neededForDue([...waiting, due], NOW)).toEqual([due])
  })
})
