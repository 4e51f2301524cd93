import { mergeConfig } from 'vitest/config'
import { unitTests } from '../vitest.shared.ts'

export default mergeConfig(unitTests, { test: { exclude: ['**/*.chaos.test.ts'] } })
