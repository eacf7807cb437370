/**
 * Runs the integration suites: real peers (OPA, the Go transparency-log tools, ssh-keygen) against this package. The
 * tools are pinned in `scripts/tools.ts` and built once into a cache outside the tree.
 */
import { spawnSync } from 'node:child_process'
import { installTools } from './tools.ts'

const tools = installTools()
const { status } = spawnSync(
  'vitest',
  ['run', '--project', 'integration', ...process.argv.slice(2)],
  { stdio: 'inherit', env: { ...process.env, COUNTERSIGN_TOOLS: tools.folder } },
)
process.exitCode = status ?? 1
