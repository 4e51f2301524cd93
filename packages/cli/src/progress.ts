import cliProgress from 'cli-progress'
import { duration, type Terminal } from './terminal.ts'

/** How far long work is. */
export interface Progress {
  /** `total` null: not known yet. */
  update(done: number, total?: number | null): void
  /** Says something without disturbing the bar. */
  say(line: string): void
  stop(): void
}

const { Format, SingleBar } = cliProgress

const LINE_EVERY_MS = 5_000

/** A bar with rate and time left where standard error is a terminal, else a line every few seconds. */
export function createProgress(
  terminal: Terminal,
  what: string,
  now: () => number = Date.now,
  /** What an earlier run has done. */
  doneBefore = 0,
): Progress {
  const startedAt = now()
  let done = doneBefore
  let total: number | null = null

  const facts = () => {
    const seconds = (now() - startedAt) / 1_000
    // What had been done by an earlier run says nothing about how fast this one is.
    const rate = seconds > 0 ? (done - doneBefore) / seconds : 0
    const isOver = total !== null && done >= total
    const left = total === null || rate <= 0 ? null : ((total - done) / rate) * 1_000
    return {
      rate: `${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`,
      left: isOver ? `took ${duration(now() - startedAt)}` : left === null ? '' : `${duration(left)} left`,
    }
  }

  const bar =
    terminal.bar === undefined
      ? null
      : new SingleBar({
          stream: terminal.bar,
          fps: 5,
          hideCursor: true,
          clearOnComplete: false,
          format: (options, params, payload: { rate: string; left: string }) => {
            const known = total !== null
            const drawn = known ? `[${Format.BarFormat(params.progress, options)}] ` : ''
            return `${what} ${drawn}${params.value}${known ? `/${params.total}` : ''}  ${payload.rate}  ${payload.left}`
          },
          barCompleteChar: '=',
          barIncompleteChar: ' ',
          barsize: 30,
        })
  bar?.start(0, 0, facts())
  let saidAt = startedAt
  const line = () => {
    const { rate, left } = facts()
    terminal.err(`${what} ${done}${total === null ? '' : `/${total}`}  ${rate}  ${left}`.trimEnd().concat('\n'))
  }

  return {
    update(next, of = total) {
      done = next
      total = of
      if (bar !== null) {
        bar.setTotal(total ?? done)
        bar.update(done, facts())
      } else if (now() - saidAt >= LINE_EVERY_MS) {
        saidAt = now()
        line()
      }
    },
    say(text) {
      if (bar !== null) terminal.err('\r\u001b[K')
      terminal.err(`${text}\n`)
    },
    stop() {
      if (bar !== null) {
        bar.update(done, facts())
        bar.stop()
      } else if (done > 0) line()
    },
  }
}
