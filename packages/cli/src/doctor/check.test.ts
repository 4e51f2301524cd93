import { aCall } from '@sync/shared/testing/builders'
import { expect, test } from 'vitest'
import type { Check, Group } from './check.ts'
import { runGroup } from './check.ts'
import type { DoctorContext } from './context.ts'
import { type Finding, ok } from './finding.ts'

const explain = () => ({ found: 'it failed', advice: 'act' })
const answers = (name: string): Check => ({ names: [name], run: async () => [ok(name, 'fine')], explain })
const hangs = (...names: string[]): Check => ({ names, run: () => new Promise(() => {}), explain })
const fails: Check = { names: ['c', 'd'], run: () => Promise.reject(new Error('no')), explain }

async function runChecks(
  checks: readonly Check[],
  order: Group['order'] = 'sequential',
  signal = new AbortController().signal,
) {
  const context = { cluster: { signal }, call: aCall() } as unknown as DoctorContext
  const lines: Finding[] = []
  const group = { withinMs: 200, eachMs: 100, order, advice: 'ask', checks }
  return { lines, end: await runGroup(group, context, (line) => void lines.push(line)) }
}

const late = (seconds: number) => ({ verdict: 'broken', found: `no answer within ${seconds} s`, advice: 'ask' })

test('a check that gets no answer says so after its time, and the next check is made', async () => {
  const { end, lines } = await runChecks([answers('a'), hangs('b', 'c'), answers('d')])

  const expected = [ok('a', 'fine'), { check: 'b', ...late(0.1) }, { check: 'c', ...late(0.1) }, ok('d', 'fine')]
  expect(end).toMatchObject({ findings: expected, isOver: false })
  expect(lines).toMatchObject(expected)
})

test('the checks that are left when the time of their group is over say so', async () => {
  const { end } = await runChecks([hangs('a'), hangs('b'), answers('c')])

  expect(end).toMatchObject({ isOver: true })
  expect(end.findings.at(-1)).toMatchObject({ check: 'c', ...late(0.2) })
})

test('checks at the same time do not wait for one that hangs, and each keeps its place', async () => {
  const { end, lines } = await runChecks([hangs('a'), answers('b')], 'parallel')

  expect(lines.map(({ check }) => check)).toEqual(['b', 'a'])
  expect(end.findings.map(({ check }) => check)).toEqual(['a', 'b'])
})

test('a check that fails keeps the names of its lines', async () => {
  const { end } = await runChecks([fails, answers('e')])

  const failed = { verdict: 'broken', found: 'it failed', advice: 'act' }
  expect(end).toMatchObject({ isOver: false })
  expect(end.findings).toMatchObject([{ check: 'c', ...failed }, { check: 'd', ...failed }, { check: 'e' }])
})

test('an interruption ends the group', async () => {
  const interrupted = new Error('interrupted')
  await expect(runChecks([hangs('a')], 'parallel', AbortSignal.abort(interrupted))).rejects.toBe(interrupted)
})
