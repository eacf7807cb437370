import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { PolicyError } from '../base/errors.ts'
import { openSecretProviders } from '../host/secrets/index.ts'
import type { CompiledPolicy } from '../model/generated/types.ts'
import { gathersUntil } from './approvals/batches.ts'
import { noticeSecrets } from './approvals/open-notifier.ts'
import { examineAttestation } from './doctor-attest.ts'
import { examineForge, examineNotices } from './doctor-forge.ts'
import { examineSecretUse } from './doctor-secrets.ts'
import { closeParts, loadBundle, openAsOwner } from './engine/open-engine.ts'
import type { Parts } from './engine/parts.ts'
import { openSecrets } from './engine/secrets.ts'
import { verifyLogFolder } from './receipts/receipts.ts'

/** One thing that was looked at. */
export type Examination = {
  readonly name: string
  readonly state: 'ok' | 'warning' | 'failed'
  readonly message: string
}

type Examined = {
  readonly policy?: string
  readonly bundle?: string
  /** The engine's data folder. */
  readonly store: string
}

/**
 * Looks at everything that the engine stands on: Node, git, the policy, the data folder's permissions, store, receipt
 * log, forge, what attests it, whom notices go to, and the secrets that agents may use. Changes nothing but what opening the engine does: it finishes what a
 * crash left.
 */
export async function examine(options: Examined): Promise<readonly Examination[]> {
  const found: Examination[] = [
    { name: 'node', state: 'ok', message: process.version },
    examineGit(),
  ]
  if (!existsSync(options.store)) {
    found.push({
      name: 'data',
      state: 'ok',
      message: `${options.store} is not there yet; the first decision makes it`,
    })
    return [...found, ...(await examinePolicy(options))]
  }
  found.push(...examineSecrets(options.store))
  return [...found, ...(await examineEngine(options))]
}

const GIT_MIN = [2, 38] as const // What src/host/git.ts needs.

function examineGit(): Examination {
  const { stdout, status } = spawnSync('git', ['--version'], { encoding: 'utf8' })
  if (status !== 0) {
    return {
      name: 'git',
      state: 'failed',
      message: 'git is not on PATH; the local forge needs it: install git',
    }
  }
  const [major = 0, minor = 0] = (stdout.match(/\d+/g) ?? []).map(Number)
  const old = major < GIT_MIN[0] || (major === GIT_MIN[0] && minor < GIT_MIN[1])
  return { name: 'git', state: old ? 'warning' : 'ok', message: stdout.trim() }
}

/** Keys must be readable by their owner alone. */
function examineSecrets(folder: string): Examination[] {
  return ['store.key', 'log_key.pem']
    .map((name) => join(folder, name))
    .filter((file) => existsSync(file))
    .map((file) => {
      const mode = statSync(file).mode & 0o777
      const open = (mode & 0o077) !== 0
      return {
        name: 'permissions',
        state: open ? 'failed' : 'ok',
        message: open
          ? `others may read ${file}: chmod 600 it, and replace it`
          : `${file} is its owner's alone`,
      }
    })
}

/** What can be said without an engine's data. */
async function examinePolicy(options: Examined): Promise<Examination[]> {
  const { store: folder, ...source } = options
  try {
    const { digest, policy } = await loadBundle(source)
    const secrets = openSecrets(
      ({ secrets: set }) => openSecretProviders(set, { folder, environment: process.env }),
      false,
    )
    return [
      { name: 'policy', state: 'ok', message: `compiles to ${digest}` },
      ...(await examineTargets(policy, folder)),
      ...(await examineSecretUse({ policy, secrets, store: null, now: Date.now() })),
    ]
  } catch (error) {
    return [failure('policy', error)]
  }
}

async function examineEngine({ store, ...source }: Examined): Promise<Examination[]> {
  let parts: Parts
  try {
    parts = await openAsOwner({ ...source, store })
  } catch (error) {
    return [failure('engine', error)]
  }
  try {
    return [
      { name: 'policy', state: 'ok', message: parts.judge.bundle.digest },
      { name: 'store', state: 'ok', message: `${await parts.store.size()} receipts` },
      examineLog(join(store, 'log')),
      ...(await examineForge(parts.forge)),
      await examineBacklog(parts),
      ...(await examineAttestation(parts)),
      ...(await examineTargets(parts.judge.bundle.policy, store)),
      ...(await examineSecretUse({
        policy: parts.judge.bundle.policy,
        secrets: parts.secrets,
        store: parts.store,
        now: parts.clock(),
      })),
    ]
  } finally {
    await closeParts(parts)
  }
}

function examineLog(folder: string): Examination {
  try {
    const { status, problems } = verifyLogFolder(folder)
    const [problem] = problems
    if (problem === undefined) return { name: 'log', state: 'ok', message: status }
    return {
      name: 'log',
      state: 'failed',
      message: `${problem.file}: ${problem.code}: ${problem.message}`,
    }
  } catch (error) {
    return failure('log', error)
  }
}

async function examineBacklog(parts: Parts): Promise<Examination> {
  const unpublished = await parts.store.requests({ state: 'unpublished' })
  const behind = unpublished.filter((found) => gathersUntil(parts, found) === null)
  return behind.length === 0
    ? { name: 'requests', state: 'ok', message: 'the forge knows all of them' }
    : {
        name: 'requests',
        state: 'warning',
        message: `${behind.length} wait for the forge to be reached`,
      }
}

function examineTargets(policy: CompiledPolicy, folder: string): Promise<readonly Examination[]> {
  const { env: environment } = process
  const secrets = noticeSecrets(policy, { folder, environment })
  return examineNotices(policy, { secrets, environment })
}

function failure(name: string, error: unknown): Examination {
  if (!(error instanceof PolicyError)) throw error
  return { name, state: 'failed', message: `${error.code}: ${error.message}` }
}
