import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { goTool } from '../../scripts/tools.ts'
import { digestOf } from '../../src/base/digest.ts'
import type { ReleaseVerification } from '../../src/model/release-gate.ts'
import { formatVerifierKey } from '../../src/trust/receipt/checkpoint.ts'
import {
  ARTEFACT,
  digestNamed,
  evidence,
  filesOf,
  git,
  manifest,
} from '../app/gate/release-case.ts'
import { runCli } from '../shells/cli/run.ts'
import { temporaryFolder } from './support/host.ts'
import { type SigstoreStack, startSigstore } from './support/sigstore-stack.ts'

// A release that may ship is attested through a private Sigstore, and verified by our own command and by cosign.

const folder = temporaryFolder('release')
const shop = join(folder, 'shop')
const EMAIL = 'deploy@example.com'
const ROOT_FILE = 'policies/sigstore/trusted_root.json'
const SVR = 'https://in-toto.io/attestation/svr/v0.2'
let stack: SigstoreStack

const cli = (...argv: string[]) => runCli(argv, { cwd: shop })
const out = (name: string) => join(shop, 'out', name)

function write(path: string, text: string): void {
  mkdirSync(dirname(join(shop, path)), { recursive: true })
  writeFileSync(join(shop, path), text)
}

async function token(email = EMAIL): Promise<string> {
  writeFileSync(join(folder, 'token'), await stack.token(email), { mode: 0o600 })
  return join(folder, 'token')
}

function writeTrust(name: string, subject = EMAIL): string {
  const origin = 'countersign.local/shop'
  const logs = [{ origin, keys: [formatVerifierKey(origin, new Uint8Array(32))] }]
  const attesters = [{ issuer: stack.issuer, subject }]
  const sigstore = { trusted_root: stack.root, attesters }
  const trust = { apiVersion: 'countersign/v1', kind: 'Trust', logs, sigstore }
  writeFileSync(join(folder, name), JSON.stringify(trust))
  return join(folder, name)
}

beforeAll(async () => {
  stack = await startSigstore(join(folder, 'stack'))
  const at = new Date(Date.now() - 60_000).toISOString()
  const results = Object.entries(evidence(digestNamed())).map(
    ([path, text]) => [path, String(text).replaceAll('2026-11-21T09:00:00Z', at)] as const,
  )
  const files = {
    ...filesOf(manifest(), Object.fromEntries(results)),
    [ROOT_FILE]: JSON.stringify(stack.root),
  }
  for (const [path, text] of Object.entries(files)) if (text !== null) write(path, text)
  const project = readFileSync(join(shop, 'countersign.yaml'), 'utf8')
  const services = `sigstore:
  trusted_root: ${ROOT_FILE}
  fulcio_url: ${stack.fulcioUrl}
  rekor_url: ${stack.rekorUrl}
  tsa_url: ${stack.tsaUrl}
  oidc_issuer: ${stack.issuer}
`
  write('countersign.yaml', `${project}${services}`)
  write('other.tar', 'another artefact')
  git(shop, 'init', '-q', '-b', 'main', '--template=')
  git(shop, 'add', '.')
  git(shop, 'commit', '-q', '-m', 'Start')
  const ran = await cli(
    ...['gate', 'release', 'clerk-2', '--artefact', 'clerk.tar', '--attest', 'out'],
    ...['--identity-token', await token(), '--format', 'json'],
  )
  expect(ran).toMatchObject({ code: 0, json: { verdict: 'allow' } })
  expect(ran.stderr).toContain(`attested as ${EMAIL}`)
})
afterAll(() => stack.stop())

test('the statement is a Simple Verification Result over all that the release is made of', async () => {
  const bundle = JSON.parse(readFileSync(out('release.sigstore.json'), 'utf8'))
  const statement = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString())
  const document = readFileSync(out('release.json'))
  const sha256 = (digest: string) => ({ sha256: digest.replace('sha256:', '') })
  expect(statement).toMatchObject({
    _type: 'https://in-toto.io/Statement/v1',
    predicateType: SVR,
    subject: [
      { name: 'release.json', digest: sha256(digestOf(document)) },
      { name: 'bundle' },
      { name: 'prompt', digest: sha256(manifest().prompt.digest) },
      { name: 'tools', digest: sha256(manifest().tools.digest) },
      { name: 'artefact:clerk.tar', digest: sha256(digestOf(ARTEFACT)) },
    ],
    predicate: { verifier: { id: 'https://countersign.dev/gate/release/v0.1' } },
  })
  expect(statement.predicate.properties).toContain('COUNTERSIGN_RELEASE_EVALS_PASSED')
})

async function ours(artefact: string, ...more: string[]): Promise<string> {
  const trust = more.includes('--trust') ? [] : ['--trust', writeTrust('trust.json')]
  const verify = ['gate', 'release', '--verify', out('release.sigstore.json')]
  const ran = await cli(...verify, '--artefact', artefact, ...trust, ...more, '--format', 'json')
  const { status, problems } = ran.json as ReleaseVerification
  expect(ran.code).toBe(status === 'verified' ? 0 : 1)
  return problems[0]?.code ?? status
}

/** A proxy that nobody runs: what would leave this machine fails. */
const NO_NETWORK = { HTTPS_PROXY: 'http://127.0.0.1:9', HTTP_PROXY: 'http://127.0.0.1:9' }

function cosign(artefact: string, identity = EMAIL) {
  writeFileSync(join(folder, 'root.json'), JSON.stringify(stack.root))
  return spawnSync(
    goTool('cosign'),
    [
      ...['verify-blob-attestation', '--bundle', out('release.sigstore.json')],
      ...['--trusted-root', 'root.json', '--certificate-identity', identity],
      ...['--certificate-oidc-issuer', stack.issuer, '--type', SVR],
      ...['--use-signed-timestamps', join(shop, artefact)],
    ],
    { cwd: folder, encoding: 'utf8', env: { ...process.env, ...NO_NETWORK } },
  )
}

describe('the artefact of the release', () => {
  test('verifies with our command', async () => {
    expect(await ours('clerk.tar')).toBe('verified')
    expect(await ours(digestOf(ARTEFACT), '--require', 'EVIDENCE_BOUND')).toBe('verified')
  })

  test('verifies with cosign, and so does what the gate said', () => {
    expect(cosign('clerk.tar')).toMatchObject({ status: 0 })
    expect(cosign('out/release.json')).toMatchObject({ status: 0 })
  })
})

describe('refused by both', () => {
  test('another artefact', async () => {
    expect(await ours('other.tar')).toBe('RELEASE_ARTEFACT_FOREIGN')
    const { status, stderr } = cosign('other.tar')
    expect(status).not.toBe(0)
    expect(stderr).toContain('digest')
  })

  test('another identity', async () => {
    const trust = writeTrust('mallory.json', 'mallory@example.com')
    expect(await ours('clerk.tar', '--trust', trust)).toBe('IDENTITY_NOT_PINNED')
    expect(cosign('clerk.tar', 'mallory@example.com').status).not.toBe(0)
  })

  test('a changed bundle', async () => {
    const file = out('release.sigstore.json')
    const text = readFileSync(file, 'utf8')
    const bundle = JSON.parse(text)
    const statement = Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString()
    const changed = statement.replace('EVALS_PASSED', 'EVALS_FAILED')
    bundle.dsseEnvelope.payload = Buffer.from(changed).toString('base64')
    writeFileSync(file, JSON.stringify(bundle))
    try {
      expect(await ours('clerk.tar')).toBe('SIGNATURE_WRONG')
      expect(cosign('clerk.tar').status).not.toBe(0)
    } finally {
      writeFileSync(file, text)
    }
  })
})

test('a release that may not ship leaves nothing, and takes an earlier attestation away', async () => {
  write('agent/prompt.md', 'You are a pirate.\n')
  const ran = await cli(
    ...['gate', 'release', 'clerk-2', '--artefact', 'clerk.tar', '--attest', 'out'],
    ...['--identity-token', await token(), '--format', 'json'],
  )
  expect(ran).toMatchObject({ code: 1, json: { verdict: 'deny' } })
  expect(() => readFileSync(out('release.sigstore.json'))).toThrow('ENOENT')
})
