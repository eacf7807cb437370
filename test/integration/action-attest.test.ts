import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { goTool } from '../../scripts/tools.ts'
import { runCli } from '../shells/cli/run.ts'
import type { ActionRun, ActionWorld, Proposed } from './support/act-world.ts'
import { pullEvent, runBundle } from './support/act-world.ts'
import type { ActionsOidc, Workflow } from './support/actions-oidc.ts'
import { startActionsOidc } from './support/actions-oidc.ts'
import { temporaryFolder } from './support/host.ts'
import { openReleaseWorld, RELEASE, runRelease } from './support/release-world.ts'
import type { SigstoreStack } from './support/sigstore-stack.ts'
import { startSigstore } from './support/sigstore-stack.ts'

// The committed bundle attests through a private Sigstore, as the job that an issuer like GitHub's says it is; our own
// command and cosign verify what it wrote.

const folder = temporaryFolder('action-attest')
const ROOT_FILE = 'policies/sigstore/trusted_root.json'
const SVR = 'https://in-toto.io/attestation/svr/v0.2'
let stack: SigstoreStack
let oidc: ActionsOidc
let world: ActionWorld
let job: Workflow

beforeAll(async () => {
  oidc = await startActionsOidc()
  stack = await startSigstore(join(folder, 'stack'), oidc.issuer)
  writeFileSync(join(folder, 'root.json'), JSON.stringify(stack.root))
  world = await openReleaseWorld({
    [ROOT_FILE]: JSON.stringify(stack.root),
    'countersign.yaml': `sigstore:
  trusted_root: ${ROOT_FILE}
  fulcio_url: ${stack.fulcioUrl}
  rekor_url: ${stack.rekorUrl}
  tsa_url: ${stack.tsaUrl}
  oidc_issuer: ${oidc.issuer}
`,
  })
  job = {
    ...{ repository: 'acme/approvals', file: '.github/workflows/release.yml' },
    ...{ ref: 'refs/heads/main', sha: world.base, event: 'push' },
  }
})
afterAll(async () => {
  await stack.stop()
  oidc.close()
  await world.close()
  expect(world.github.flaws).toEqual([])
})

type Permits = Readonly<Record<string, string>>

/** Nothing that a job may use as somebody stands where others read it. */
function expectSilence(ran: ActionRun, permits: Permits): void {
  const shown = ran.stdout.split('\n').filter((line) => !line.startsWith('::add-mask::'))
  const all = [...shown, JSON.stringify(ran.outputs), ran.summary].join('\n')
  const asked = permits['ACTIONS_ID_TOKEN_REQUEST_TOKEN'] ?? []
  const secrets = [oidc.issued, asked, world.job.token].flat()
  for (const secret of secrets) expect(all).not.toContain(secret)
}

function writeTrust(name: string, about: Partial<Workflow> = {}): string {
  const attesters = [{ issuer: oidc.issuer, subject: oidc.subjectOf({ ...job, ...about }) }]
  const sigstore = { trusted_root: stack.root, attesters }
  const file = join(folder, name)
  // No log is named: the attestation stands in none of ours.
  writeFileSync(file, JSON.stringify({ apiVersion: 'countersign/v1', kind: 'Trust', sigstore }))
  return file
}

/** A proxy that nobody runs: what would leave this machine fails. */
const NO_NETWORK = { HTTPS_PROXY: 'http://127.0.0.1:9', HTTP_PROXY: 'http://127.0.0.1:9' }

function cosign(bundle: string, file: string, about: Partial<Workflow> = {}) {
  return spawnSync(
    goTool('cosign'),
    [
      ...['verify-blob-attestation', '--bundle', bundle, '--trusted-root', 'root.json'],
      ...['--certificate-identity', oidc.subjectOf({ ...job, ...about })],
      ...['--certificate-oidc-issuer', oidc.issuer, '--type', SVR, '--use-signed-timestamps', file],
    ],
    { cwd: folder, encoding: 'utf8', env: { ...process.env, ...NO_NETWORK } },
  )
}

describe('mode release', () => {
  let workspace: string
  let ran: ActionRun
  const bundle = (): string => join(workspace, 'out/release.sigstore.json')
  const artefact = (): string => join(workspace, 'agent/agent.txt')

  beforeAll(async () => {
    workspace = world.checkOut(world.base)
    const permits = oidc.permit(job)
    ran = await runRelease(world, { workspace, inputs: { attest: 'out' }, environment: permits })
    expect(ran, ran.stdout).toMatchObject({ status: 0, outputs: { verdict: 'allow' } })
    expectSilence(ran, permits)
  })

  test('it names the bundle that it wrote, of all that the release is made of', () => {
    expect(ran.outputs['attestation']).toBe(bundle())
    expect(oidc.issued).toHaveLength(1)
    const { dsseEnvelope } = JSON.parse(readFileSync(bundle(), 'utf8'))
    const statement = JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString())
    const subjects = JSON.parse(ran.outputs['subjects'] ?? '') as Record<string, string>
    for (const name of ['prompt', 'tools', 'artefact:agent.txt']) {
      const sha256 = subjects[name]?.replace('sha256:', '')
      expect(statement.subject).toContainEqual({ name, digest: { sha256 } })
    }
  })

  async function ours(file: string, trust = writeTrust('trust.json'), ...more: string[]) {
    const named = ['--verify', bundle(), '--artefact', file, '--trust', trust]
    const { code, json } = await runCli(
      ['gate', 'release', ...more, ...named, '--format', 'json'],
      { cwd: folder },
    )
    const { status, problems } = json as { status: string; problems: { code: string }[] }
    expect(code).toBe(status === 'verified' ? 0 : 1)
    return problems[0]?.code ?? status
  }

  test('our command takes it, by its name and policy too, and so does cosign', async () => {
    const digest = ran.outputs['digest'] ?? ''
    expect(await ours(artefact(), undefined, RELEASE, '--policy-digest', digest)).toBe('verified')
    const { status, stderr } = cosign(bundle(), artefact())
    expect(stderr).toContain('Verified OK')
    expect(status).toBe(0)
    expect(cosign(bundle(), join(workspace, 'out/release.json'))).toMatchObject({ status: 0 })
  })

  test('both refuse another artefact', async () => {
    const other = join(workspace, 'agent/prompt.md.old')
    writeFileSync(other, 'another artefact')
    expect(await ours(other)).toBe('RELEASE_ARTEFACT_FOREIGN')
    expect(cosign(bundle(), other).status).not.toBe(0)
  })

  test.for<{ name: string; about: Partial<Workflow> }>([
    { name: 'of another branch', about: { ref: 'refs/heads/change' } },
    { name: 'of another file', about: { file: '.github/workflows/other.yml' } },
    { name: 'of another repository', about: { repository: 'mallory/approvals' } },
  ])('both refuse a workflow $name than was listed', async ({ about }) => {
    expect(await ours(artefact(), writeTrust('other.json', about))).toBe('IDENTITY_NOT_PINNED')
    expect(cosign(bundle(), artefact(), about).status).not.toBe(0)
  })

  test('a release that may not ship by now -> the attestation is gone', async () => {
    const again = world.checkOut(world.base)
    const permits = oidc.permit(job)
    const about = { workspace: again, inputs: { attest: 'out' }, environment: permits }
    expect((await runRelease(world, about)).status).toBe(0)
    expect(existsSync(join(again, 'out/release.sigstore.json'))).toBe(true)
    world.write(again, 'agent/prompt.md', 'You are a pirate.\n')
    const later = await runRelease(world, about)
    expect(later, later.stdout).toMatchObject({ status: 1, outputs: { attestation: '' } })
    expect(existsSync(join(again, 'out/release.sigstore.json'))).toBe(false)
  })

  test.for<{ name: string; permits: () => Permits; code: string; says: RegExp; status: number }>([
    {
      name: 'a job without id-token: write',
      permits: () => ({}),
      ...{ code: 'IDENTITY_TOKEN_MISSING', says: /id-token: write/, status: 2 },
    },
    {
      name: 'a job whose token is not taken',
      permits: () => ({ ...oidc.permit(job), ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request-forged' }),
      ...{ code: 'SIGSTORE_REFUSED', says: /401/, status: 2 },
    },
  ])('$name -> $code, no verdict, and nothing is written', async (row) => {
    const fresh = world.checkOut(world.base)
    const environment = row.permits()
    const about = { workspace: fresh, inputs: { attest: 'out' }, environment }
    const failed = await runRelease(world, about)
    expect(failed, failed.stdout).toMatchObject({ outputs: {} })
    expect(failed.status).toBeGreaterThanOrEqual(2)
    expect(failed.stdout).toContain(row.code)
    expect(failed.stdout).toMatch(row.says)
    expect(existsSync(join(fresh, 'out/release.sigstore.json'))).toBe(false)
    expect(world.check(world.base, 'release')).toMatchObject({ conclusion: 'failure' })
    expectSilence(failed, environment)
  })
})

describe('mode approvals', () => {
  let pull: Proposed
  let workspace: string
  const sign = (permits: Permits): Promise<ActionRun> =>
    runBundle(world, {
      ...{ workspace, event: 'pull_request_target', payload: pullEvent(pull) },
      inputs: { mode: 'approvals', attest: 'verdict' },
      environment: permits,
    })

  beforeAll(async () => {
    const file = 'policies/guardrails/orders.yaml'
    const text = world.bareText(file)
    pull = await world.propose({ [file]: `${text}\n# A word more.\n` })
    workspace = world.checkOut(world.base)
  })

  test('an open gate -> a bundle over the commit, which both verify', async () => {
    const permits = oidc.permit(job)
    const ran = await sign(permits)
    expect(ran, ran.stdout).toMatchObject({ status: 0, outputs: { verdict: 'allow' } })
    const bundle = join(workspace, 'verdict/verdict.sigstore.json')
    expect(ran.outputs['attestation']).toBe(bundle)
    expectSilence(ran, permits)
    const { code, stdout } = await runCli(
      ['log', 'verify-attestation', bundle, '--trust', writeTrust('trust.json')],
      { cwd: folder },
    )
    expect(stdout).toContain(`the gate was open for the commit ${pull.head}`)
    expect(code).toBe(0)
    expect(cosign(bundle, join(workspace, 'verdict/verdict.json'))).toMatchObject({ status: 0 })
    expect(cosign(bundle, join(workspace, 'countersign.yaml')).status).not.toBe(0)
  })

  test('a job without id-token: write -> an error that says so', async () => {
    const ran = await sign({})
    expect(ran, ran.stdout).toMatchObject({ outputs: {} })
    expect(ran.status).toBeGreaterThanOrEqual(2)
    expect(ran.stdout).toContain('IDENTITY_TOKEN_MISSING')
    expect(ran.stdout).toContain('id-token: write')
    expect(existsSync(join(workspace, 'verdict/verdict.sigstore.json'))).toBe(false)
  })

  test('a gate that is closed -> no bundle, and no token is asked for', async () => {
    const before = oidc.issued.length
    pull = await world.propose({ 'policies/routes/routes.yaml': 'not: a policy\n' })
    const ran = await sign(oidc.permit(job))
    expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { attestation: '' } })
    expect(oidc.issued).toHaveLength(before)
    expect(existsSync(join(workspace, 'verdict/verdict.sigstore.json'))).toBe(false)
  })
})
