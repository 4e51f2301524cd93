import { closedPort } from '@sync/shared/testing/closed-port'
import { describe, expect, it } from 'vitest'
import { run } from './run.ts'

const cluster = { KAFKA_BROKERS: 'localhost:9092', SCHEMA_REGISTRY_URL: 'http://localhost:8080' }

async function syncctl(args: string[], env: Record<string, string> = {}, isTTY = false) {
  let out = ''
  let err = ''
  const code = await run(args, {
    env,
    isTTY,
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
  })
  return { code, out, err }
}

describe('syncctl', () => {
  it.each([
    [['--help'], 'topics'],
    [['topics', '--help'], 'apply'],
    [['topics', 'apply', '--help'], 'syncctl topics apply --partitions 48'],
    [['topics', 'check', '--help'], 'syncctl topics check --json'],
    [['topics', 'acls', '--help'], '--principal'],
    [['help', 'topics'], 'apply'],
  ])('%j helps and ends well', async (args, text) => {
    const { code, out, err } = await syncctl(args)

    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain(text)
  })

  it.each([
    [[], 'Usage: syncctl'],
    [['topics'], 'Usage: syncctl topics'],
    [['bogus'], "unknown command 'bogus'"],
    [['topics', 'apply', '--force'], "unknown option '--force'"],
    [['topics', 'apply', '--partitions', '0'], 'must be from 1 to 10000'],
    [['topics', 'apply', '--partitions', '1e3'], 'must be from 1 to 10000'],
    [['topics', 'apply', 'everything'], 'too many arguments'],
    [['topics', 'acls', '--principal', 'User:x'], '--principal needs --service'],
    [['topics', 'acls', '--service', 'flow-ingest', '--principal', 'x'], 'must be a type and a name'],
    [['topics', 'acls', '--events-topic', 'a;b'], 'must be the name of a topic'],
  ])('%j is wrong usage', async (args, text) => {
    const { code, out, err } = await syncctl(args, cluster)

    expect({ code, out }).toEqual({ code: 64, out: '' })
    expect(err).toContain(text)
  })

  it.each([
    [['topics', 'apply']],
    [['dead-letters', 'redrive']],
    [['dead-letters', 'discard']],
    [['replay']],
    [['backfill']],
    [['reconcile']],
    [['erase']],
    [['absences', 'release']],
    [['doctor']],
  ])('%j, which can change something, takes --yes', async (command) => {
    const { code, out } = await syncctl([...command, '--yes', '--help'])

    expect(code).toBe(0)
    expect(out).toContain('-y, --yes')
  })

  it('lists every problem of its environment', async () => {
    const { code, out, err } = await syncctl(['topics', 'check'], { KAFKA_BROKERS: 'kafka' })

    expect({ code, out }).toEqual({ code: 78, out: '' })
    expect(err).toContain('KAFKA_BROKERS: must be host:port')
    expect(err).toContain('SCHEMA_REGISTRY_URL: must be set')
  })

  it('says in one line that the broker is down', async () => {
    const port = await closedPort()

    const { code, out, err } = await syncctl(['topics', 'apply'], { ...cluster, KAFKA_BROKERS: `127.0.0.1:${port}` })

    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(/^syncctl: connecting to Kafka at 127\.0\.0\.1:\d+: .*ECONNREFUSED.*\n$/)
  })

  it('shows the topic table without a broker', async () => {
    const { code, out } = await syncctl(['topics', 'list'], { TOPIC_PREFIX: 'blue.' })

    expect(code).toBe(0)
    expect(out).toMatch(
      /^blue\.customer-mapper\.retry\.v1 +delete +customer-mapper, relation-manager, syncctl → customer-mapper/m,
    )
  })

  it('prints JSON for scripts', async () => {
    const { out } = await syncctl(['topics', 'list', '--json'])

    expect(JSON.parse(out)).toContainEqual(expect.objectContaining({ name: 'sync.outcomes.v1' }))
  })

  it('prints the ACLs of a service as commands, for whoever it is to Kafka', async () => {
    const principal = "User:CN=flow-ingest,O=O'Neill"
    const args = ['topics', 'acls', '--service', 'flow-ingest', '--principal', principal]

    const { code, out } = await syncctl(args, { TOPIC_PREFIX: 'blue.' })

    expect(code).toBe(0)
    expect(out).toContain('--operation Read \\\n  --topic blue.flow.notifications.v1 \\\n')
    expect(out).toContain('--resource-pattern-type prefixed \\\n  --group blue.flow-ingest.\n')
    expect(out).toContain(`--allow-principal 'User:CN=flow-ingest,O=O'\\''Neill'`)
    expect(out).not.toContain('relation-manager')
  })

  it('prints all ACLs as JSON, each by itself', async () => {
    const { out } = await syncctl(['topics', 'acls', '--json', '--events-topic', 'acme.events'])

    expect(JSON.parse(out)).toEqual(
      expect.arrayContaining([
        {
          ...{ user: 'customer-mapper', principal: 'User:customer-mapper', operation: 'WRITE' },
          ...{ resource: 'topic', pattern: 'literal', name: 'company.parent-changes.v1' },
        },
        {
          ...{ user: 'omnium-ingest', principal: 'User:omnium-ingest', operation: 'READ' },
          ...{ resource: 'topic', pattern: 'literal', name: 'acme.events' },
        },
      ]),
    )
  })

  it('uses colours on a terminal only, and not against NO_COLOR', async () => {
    const colourCode = '\u001b['

    expect((await syncctl(['topics', 'list'])).out).not.toContain(colourCode)
    expect((await syncctl(['topics', 'list'], {}, true)).out).toContain(colourCode)
    expect((await syncctl(['topics', 'list'], { NO_COLOR: '1' }, true)).out).not.toContain(colourCode)
  })
})
