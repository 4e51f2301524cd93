/** An environment for a POSIX shell to read, one `export NAME=value` a line; quoted only where that is needed. */
export const envLines = (env: Readonly<Record<string, string>>): string =>
  Object.entries(env)
    .map(([name, value]) => `export ${name}=${quoted(value)}\n`)
    .join('')

const quoted = (value: string) => (/^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`)

/** The part of the services' environment that syncctl needs, as lines to paste. */
export function syncctlLines({ HTTP_HOST: _, ...env }: Readonly<Record<string, string>>): string[] {
  return envLines(env).trimEnd().split('\n')
}
