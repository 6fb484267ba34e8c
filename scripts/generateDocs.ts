/** Writes the pages of docs/ that come from the code. Tests compare them; `npm run docs` renews them. */
import { writeFileSync } from 'node:fs'
import { commandLinePage } from '../src/cli/reference.ts'
import { configurationPage } from '../src/config/index.ts'
import { metricsPage } from '../src/observability/index.ts'

const PAGES: Readonly<Record<string, () => string | Promise<string>>> = {
  'configuration.md': configurationPage,
  'cli.md': commandLinePage,
  'metrics.md': metricsPage,
}

for (const [name, page] of Object.entries(PAGES)) {
  writeFileSync(new URL(`../docs/${name}`, import.meta.url), await page())
}
