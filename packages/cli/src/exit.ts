/** What a script can rely on; usage and config as in sysexits.h. */
export const EXIT = { ok: 0, error: 1, differences: 2, usage: 64, config: 78 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]
