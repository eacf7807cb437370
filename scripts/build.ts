/** Builds `dist/` from `src/`: JavaScript and types by the TypeScript compiler, and the files that lie beside them. */
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, readdirSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const source = join(root, 'src')
const target = join(root, 'dist')

rmSync(target, { recursive: true, force: true })
const binaries = join(root, 'node_modules', '.bin')
const { status, error } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, PATH: `${binaries}${delimiter}${process.env['PATH'] ?? ''}` },
  shell: process.platform === 'win32', // npm's launchers are scripts there.
})
if (status !== 0) {
  console.error(error?.message ?? `tsc ended with ${status}`)
  process.exit(1)
}

// The Rego compiler's artefact, its licence and its notice belong beside the code that loads it.
for (const name of readdirSync(source, { recursive: true, withFileTypes: true })) {
  if (!name.isFile() || name.name.endsWith('.ts')) continue
  const from = join(name.parentPath, name.name)
  cpSync(from, join(target, from.slice(source.length + 1)))
}
chmodSync(join(target, 'shells', 'cli', 'bin.js'), 0o755)
