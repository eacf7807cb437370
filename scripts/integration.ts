/**
 * Runs the integration suites: real peers (OPA, the Go transparency-log tools, ssh-keygen), real processes and a fresh
 * clone against this package. The tools are pinned in `scripts/tools.ts` and built once into a cache outside the tree.
 * Arguments go to vitest: `npm run test:integration -- opa` runs one suite.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installTools } from './tools.ts'

const tools = installTools()
// What several suites need and is dear to make, such as an installed clone, they make here once.
const scratch = mkdtempSync(join(tmpdir(), 'countersign-integration-'))
try {
  const { status, error } = spawnSync(
    'vitest',
    [
      'run',
      '--project',
      'heavy',
      '--project',
      'paired',
      '--project',
      'integration',
      ...process.argv.slice(2),
    ],
    {
      stdio: 'inherit',
      env: { ...process.env, COUNTERSIGN_TOOLS: tools.folder, COUNTERSIGN_SCRATCH: scratch },
    },
  )
  if (error !== undefined) console.error(error.message)
  process.exitCode = status ?? 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
