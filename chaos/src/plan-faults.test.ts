import { describe, expect, it } from 'vitest'
import { BROKER_SESSION_TIMEOUT_MS, planFaults } from './plan-faults.ts'

const options = {
  ...{ seed: 7, instances: 3, tenants: ['a', 'b'], durationMs: 600_000 },
  ...{ sessionTimeoutMs: 10_000, ownsStack: true, brokers: 3 },
}

describe('a schedule of faults', () => {
  it('is the same for the same seed, and another one for another', () => {
    expect(planFaults(options)).toEqual(planFaults(options))
    expect(planFaults({ ...options, seed: 8 })).not.toEqual(planFaults(options))
  })

  it('has each kind of fault, freezes beyond the session timeout among them, all over at the end', () => {
    const faults = planFaults(options)

    const kinds = new Set(faults.map((fault) => (fault.kind === 'target' ? fault.rule.kind : fault.kind)))
    expect([...kinds].sort()).toEqual(
      [
        ...[
          'add',
          'broker',
          'broker-freeze',
          'leaders',
          'recreate',
          'clock',
          'freeze',
          'hang',
          'kill',
          'late',
          'latency',
          'registry',
          'reply-lost',
          'reset',
          'role',
          'tokens',
        ],
        ...['status', 'stop', 'webhooks', 'gateway', 'other-id', 'answer-cut', 'answer-body', 'keep-alive-race'],
      ].sort(),
    )
    expect(faults.some(({ kind, forMs }) => kind === 'freeze' && forMs > options.sessionTimeoutMs)).toBe(true)
    expect(faults.filter(({ atMs, forMs }) => atMs + forMs > options.durationMs)).toEqual([])
  })

  it('steps clocks forward and back by seconds and by minutes, some for the rest of the run', () => {
    const steps = planFaults(options).filter((fault) => fault.kind === 'clock')

    const sizes = steps.map(({ byMs }) => Math.abs(byMs))
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(2_000)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(150_000)
    expect(sizes.some((ms) => ms > 60_000)).toBe(true)
    expect(sizes.some((ms) => ms < 10_000)).toBe(true)
    expect(new Set(steps.map(({ byMs }) => Math.sign(byMs)))).toEqual(new Set([1, -1]))
    expect(new Set(steps.map(({ returns }) => returns))).toEqual(new Set([true, false]))
    expect(steps.every(({ instance }) => instance < options.instances)).toBe(true)
  })

  it('strikes each of three brokers, with freezes below and above their session timeout', () => {
    const faults = planFaults({ ...options, durationMs: 1_800_000 })
    const freezes = faults.filter((fault) => fault.kind === 'broker-freeze')

    expect(new Set(freezes.map(({ node }) => node))).toEqual(new Set([1, 2, 3]))
    expect(freezes.some(({ forMs }) => forMs < BROKER_SESSION_TIMEOUT_MS)).toBe(true)
    expect(freezes.some(({ forMs }) => forMs > BROKER_SESSION_TIMEOUT_MS)).toBe(true)
    expect(new Set(faults.flatMap((fault) => (fault.kind === 'broker' ? [fault.node] : [])))).toEqual(
      new Set([1, 2, 3]),
    )
  })

  it('recreates a topic once in some runs, after records were read of it and long before the end', () => {
    const recreations = Array.from({ length: 20 }, (_, seed) =>
      planFaults({ ...options, seed, durationMs: 60_000 }).filter(({ kind }) => kind === 'recreate'),
    )

    expect(new Set(recreations.map(({ length }) => length))).toEqual(new Set([0, 1]))
    for (const { atMs } of recreations.flat()) {
      expect(atMs).toBeGreaterThanOrEqual(18_000)
      expect(atMs).toBeLessThanOrEqual(42_000)
    }
  })

  it('moves no leaders where there is one broker', () => {
    const faults = planFaults({ ...options, brokers: 1 })

    expect(faults.map(({ kind }) => kind)).not.toContain('leaders')
    expect(new Set(faults.flatMap((fault) => ('node' in fault ? [fault.node] : [])))).toEqual(new Set([1]))
  })

  it('leaves a broker and a registry alone that are not its own', () => {
    const kinds = planFaults({ ...options, ownsStack: false }).map(({ kind }) => kind)

    expect(kinds).not.toContain('broker')
    expect(kinds).not.toContain('broker-freeze')
    expect(kinds).not.toContain('leaders')
    expect(kinds).not.toContain('recreate')
    expect(kinds).not.toContain('registry')
  })
})
