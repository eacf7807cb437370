/** Every static check, one after another; all of them run, and the exit code is 1 when any failed. */
import { spawnSync } from 'node:child_process'

const checks: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['types', 'tsc', '-p', '.', '--noEmit'],
  ['lint and format', 'biome', 'check', '.'],
  ['dead code', 'knip'],
  ['generated files', 'node', 'scripts/generate.ts', '--check'],
  ['the action', 'node', 'scripts/action.ts', '--check'],
  ['generated sessions', 'node', 'scripts/retail-sessions.ts', '--check'],
  [
    'layout and imports',
    'vitest',
    'run',
    '--project',
    'unit',
    'test/tidy.test.ts',
    '--reporter=dot',
  ],
]

let failed = 0
for (const [name, command, ...args] of checks) {
  console.log(`-- ${name}`)
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
  if (error !== undefined) console.error(error.message)
  if (status !== 0) failed += 1
}
console.log(failed === 0 ? 'all checks passed' : `${failed} of ${checks.length} checks failed`)
process.exitCode = failed === 0 ? 0 : 1
