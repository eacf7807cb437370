#!/usr/bin/env node
// The executable. This file must parse and run on old Nodes too, so that they get an answer and not a syntax error:
// nothing modern in here, and no static import of the rest.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants, homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'

/** The same ranges as `engines` in package.json: ^22.22.2 || ^24.15 || >=26. */
function isSupported(version: string): boolean {
  const parts = version.replace(/^v/, '').split('.').map(Number)
  const [major = 0, minor = 0, patch = 0] = parts
  if (parts.length < 3 || parts.some(Number.isNaN)) return false
  if (major === 22) return minor > 22 || (minor === 22 && patch >= 2)
  if (major === 24) return minor >= 15
  return major >= 26
}

if (isSupported(process.version)) {
  const { runProcess } = await import('./main.ts')
  process.exitCode = await runProcess(process.argv.slice(2))
} else {
  const node = findNode()
  if (node === null) complain()
  else runOn(node)
}

/** A Node that will do: the one that is named, the one installed beside us, on PATH, or of a version manager. */
function findNode(): string | null {
  // A Node that calls itself new and runs as an old one would send us round in circles.
  if (process.env['COUNTERSIGN_REEXECUTED'] === String(process.ppid)) return null
  const named = process.env['COUNTERSIGN_NODE']
  for (const file of [named, besideUs(), ...onPath(), ...ofVersionManagers()]) {
    if (file && file !== process.execPath && existsSync(file) && isSupported(versionOf(file)))
      return file
  }
  return null
}

function versionOf(file: string): string {
  const { stdout } = spawnSync(file, ['--version'], { encoding: 'utf8', timeout: 5000 })
  return (stdout || '').trim()
}

/** The binary of the npm package `node`. */
function besideUs(): string | null {
  try {
    const manifest = createRequire(import.meta.url).resolve('node/package.json')
    return join(dirname(manifest), 'bin', program())
  } catch {
    return null
  }
}

function onPath(): string[] {
  return (process.env['PATH'] || '')
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, program()))
}

function ofVersionManagers(): string[] {
  const home = homedir()
  const { NVM_DIR, VOLTA_HOME, FNM_DIR } = process.env
  return [
    ...installed(join(NVM_DIR || join(home, '.nvm'), 'versions', 'node'), 'bin'),
    ...installed(join(VOLTA_HOME || join(home, '.volta'), 'tools', 'image', 'node'), 'bin'),
    ...installed(
      join(FNM_DIR || join(home, '.local', 'share', 'fnm'), 'node-versions'),
      join('installation', 'bin'),
    ),
  ]
}

/** The supported versions in a version manager's folder, the newest first. */
function installed(folder: string, below: string): string[] {
  try {
    return readdirSync(folder)
      .filter(isSupported)
      .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
      .map((version) => join(folder, version, below, program()))
  } catch {
    return []
  }
}

function program(): string {
  return process.platform === 'win32' ? 'node.exe' : 'node'
}

/** Becomes that Node as far as a process can: same arguments, same streams, same end. */
function runOn(node: string): void {
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) {
    // Before the child is there: a signal in between would end us and leave it behind. A terminal sends SIGINT to the
    // whole group: the child has it already, and decides.
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  const child = spawn(node, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, COUNTERSIGN_REEXECUTED: String(process.pid) },
  })
  child.on('error', complain)
  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exitCode = code === null ? 3 : code
      return
    }
    process.removeAllListeners(signal)
    process.exitCode = 128 + constants.signals[signal]
    process.kill(process.pid, signal)
  })
}

function complain(): void {
  const message =
    `Node ${process.version} is too old; countersign runs on Node 22.22.2 or newer of 22, 24.15 or newer of 24, ` +
    'and 26 or newer. Install one (https://nodejs.org, or `npm install node@24` beside countersign), ' +
    'or name its program in COUNTERSIGN_NODE.'
  const url = 'https://countersign.dev/docs/errors#node_unsupported'
  process.exitCode = 3
  if (/(^| )--format[= ]json( |$)/.test(process.argv.join(' '))) {
    const error = { code: 'NODE_UNSUPPORTED', message, retryable: false, documentation_url: url }
    process.stdout.write(`${JSON.stringify({ error }, null, 2)}\n`)
    return
  }
  process.stderr.write(`NODE_UNSUPPORTED: ${message}\n  see ${url}\n`)
}
