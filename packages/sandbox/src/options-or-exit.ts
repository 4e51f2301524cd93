const EXIT_USAGE = 64

/** This program's options. With --help it prints the usage and exits 0; with what `read` throws for, to stderr, and 64. */
export function optionsOrExit<O extends { readonly help: boolean }>(
  read: (args: readonly string[], env: NodeJS.ProcessEnv) => O,
  usage: string,
): O {
  const options = (() => {
    try {
      return read(process.argv.slice(2), process.env)
    } catch (error) {
      process.stderr.write(`${(error as Error).message}\n\n${usage}`)
      process.exit(EXIT_USAGE)
    }
  })()
  if (!options.help) return options
  process.stdout.write(usage)
  process.exit(0)
}
