import { createFlowApi } from './flow-api.ts'
import { createOmniumApi } from './omnium-api.ts'
import { type StandInsConfig, standInsConfig } from './stand-ins-config.ts'

/** Both stand-ins as one process. Prints one JSON line with their URLs; SIGTERM and SIGINT end it. */
async function main(): Promise<void> {
  const config = configOrExit()
  const flow = createFlowApi(config.flow)
  const omnium = createOmniumApi(config.omnium)
  const stop = async () => {
    await Promise.all([flow.close(), omnium.close()])
    process.exit(0)
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  const urls = {
    flow: await flow.listen(config.flowPort, config.host),
    omnium: await omnium.listen(config.omniumPort, config.host),
  }
  process.stdout.write(`${JSON.stringify(urls)}\n`)
}

function configOrExit(): StandInsConfig {
  try {
    return standInsConfig(process.env)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    process.exit(78)
  }
}

await main()
