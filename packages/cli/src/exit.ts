/** What a script can rely on; usage and config as in sysexits.h, interrupted as shells say it. */
export const EXIT = { ok: 0, error: 1, differences: 2, usage: 64, config: 78, interrupted: 130 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]
