import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { goTool } from '../../scripts/tools.ts'
import { reviewRequest } from '../../src/app/approvals/review.ts'
import { settleRequest } from '../../src/app/engine/resolve.ts'
import { findReceipt, verifyLogFolder } from '../../src/app/receipts/receipts.ts'
import { canonicalize } from '../../src/base/canonical-json.ts'
import type { JsonValue } from '../../src/base/json-value.ts'
import { deviceToken, openSigstoreSigner } from '../../src/host/sigstore/index.ts'
import type { Approval, DecisionReceipt, GenesisReceipt } from '../../src/model/generated/types.ts'
import type { Forge, KeylessSigner } from '../../src/model/ports.ts'
import { readTrustedRoot } from '../../src/model/trusted-root.ts'
import { verifySigstoreBundle } from '../../src/trust/verify/sigstore.ts'
import {
  bundleOf,
  KEYS,
  type Opened,
  openTest,
  policyFiles,
  signerOf,
  temporaryFolder as testFolder,
} from '../app/support.ts'
import { runCli } from '../shells/cli/run.ts'
import { openWorld } from '../support/fake-github/world.ts'
import { temporaryFolder } from './support/host.ts'
import { type SigstoreStack, startSigstore } from './support/sigstore-stack.ts'

// Reviews signed through a private Sigstore: Fulcio, Rekor and the time stamp authority as they are released.

const folder = temporaryFolder('sigstore')
let stack: SigstoreStack

beforeAll(async () => {
  stack = await startSigstore(join(folder, 'stack'))
})
afterAll(() => stack.stop())

const ROOT_FILE = 'policies/sigstore/trusted_root.json'
const HEAD = 'apiVersion: countersign/v1\nkind: '
const refund = {
  ...{ agent: 'clerk', service: 'shop', action: 'refund' },
  payload: { amount: 50, to: 'u-1' },
} as const

type Account = { readonly github?: { readonly id: number; readonly url: string } }

/** The policy of the other tests; ana signs through Sigstore, bo with his key. */
function filesOf({ github }: Account = {}): Record<string, string> {
  const forge =
    github === undefined
      ? ''
      : `forge: { kind: github, repository: acme/approvals, api_url: '${github.url}' }\n`
  const accounts = github === undefined ? '' : `, accounts: { github: '${github.id}' }`
  const routes = policyFiles().get('policies/routes/routes.yaml') ?? ''
  return {
    'countersign.yaml': `${HEAD}Project
project: shop
defaults: { low: allow, medium: allow, high: hold, critical: deny }
${forge}sigstore:
  trusted_root: ${ROOT_FILE}
  fulcio_url: ${stack.fulcioUrl}
  rekor_url: ${stack.rekorUrl}
  tsa_url: ${stack.tsaUrl}
  oidc_issuer: ${stack.issuer}
`,
    [ROOT_FILE]: JSON.stringify(stack.root),
    'policies/roster.yaml': `${HEAD}Roster
people:
  - { id: ana, identities: [{ issuer: '${stack.issuer}', subject: ana@example.com }]${accounts} }
  - { id: bo, keys: [{ fingerprint: '${KEYS.bo.fingerprint}' }]${github === undefined ? '' : ", accounts: { github: '9' }"} }
`,
    'policies/routes/routes.yaml': routes.replace(
      'id: payments,',
      'id: payments, signature: signed,',
    ),
  }
}

function signerFor(email: string, changes: Partial<SigstoreStack> = {}): KeylessSigner {
  const { fulcioUrl, rekorUrl, tsaUrl } = { ...stack, ...changes }
  return openSigstoreSigner({
    ...{ fulcioUrl, rekorUrl, tsaUrl, clock: Date.now, timeoutMs: 15_000 },
    token: () => stack.token(email),
  })
}

async function held(given: { readonly forge?: Forge; readonly account?: Account } = {}) {
  const { forge, account } = given
  const bundle = await bundleOf(filesOf(account))
  const opened = await openTest({ bundle, ...(forge === undefined ? {} : { forge }) })
  const { request } = await opened.engine.defer(refund, { idempotencyKey: 'one' })
  return { ...opened, id: String(request) }
}

async function approvalsOf({ parts }: Opened, id: string): Promise<readonly Approval[]> {
  const found = await parts.store.request(id)
  const { receipt } = await findReceipt(parts.store, String(found?.resolution?.receiptIndex))
  return (receipt as DecisionReceipt).predicate.resolution?.approvals ?? []
}

async function trustFile(opened: Opened, changes: object = {}): Promise<string> {
  const { receipt } = await findReceipt(opened.parts.store, '0')
  const { origin, verifierKey } = (receipt as GenesisReceipt).predicate
  const identity = { issuer: stack.issuer, subject: 'ana@example.com' }
  const trust = {
    ...{ apiVersion: 'countersign/v1', kind: 'Trust' },
    logs: [{ origin, keys: [verifierKey] }],
    reviewers: [{ id: 'ana', identities: [identity] }],
    sigstore: { trusted_root: stack.root },
    ...changes,
  }
  const file = join(opened.folder, 'trust.json')
  writeFileSync(file, JSON.stringify(trust))
  return file
}

describe('a review through Sigstore', () => {
  test.for([
    { verdict: 'approve', decision: 'APPROVED' },
    { verdict: 'reject', decision: 'REJECTED' },
    { verdict: 'patch', decision: 'APPROVED_WITH_MODIFICATIONS' },
  ] as const)('$verdict on the local forge -> $decision', async ({ verdict, decision }) => {
    const { id, ...opened } = await held()
    const payload = verdict === 'patch' ? { payload: { amount: 20, to: 'u-1' } } : {}
    const what = { verdict, ...payload }
    const found = await reviewRequest(opened.parts, id, what, signerFor('ana@example.com'))
    expect(found.resolution).toMatchObject({ decision, by: ['ana'] })
    const [approval] = await approvalsOf(opened, id)
    expect(approval).toMatchObject({
      reviewer: 'ana',
      identity: { issuer: stack.issuer, subject: 'ana@example.com' },
    })
  })

  test('on GitHub, from the account in the same entry -> merged', async () => {
    const world = await openWorld()
    try {
      const github = { id: world.people.ana.id, url: world.github.url }
      const { id, ...opened } = await held({ forge: world.open(), account: { github } })
      await reviewRequest(opened.parts, id, { verdict: 'approve' }, signerFor('ana@example.com'))
      const { resolution } = await settleRequest(opened.parts, id)
      expect(resolution).toMatchObject({ decision: 'APPROVED', by: ['ana'] })
      expect(await opened.parts.forge.pull(1)).toMatchObject({ state: 'merged' })
    } finally {
      await world.close()
    }
  })

  test('an auditor verifies the receipts with the network cut', async () => {
    const { id, ...opened } = await held()
    await reviewRequest(opened.parts, id, { verdict: 'approve' }, signerFor('ana@example.com'))
    const cut = vi.spyOn(globalThis, 'fetch').mockImplementation(() => {
      throw new Error('the network is cut')
    })
    try {
      const log = join(opened.folder, 'log')
      const report = verifyLogFolder(log, { trust: await trustFile(opened) })
      expect(report).toMatchObject({ status: 'verified', problems: [] })
      expect(report.proven.join()).toContain('through Sigstore leads to the trusted root')
      const other = await trustFile(opened, {
        reviewers: [{ id: 'ana', identities: [{ issuer: stack.issuer, subject: 'a' }] }],
      })
      expect(verifyLogFolder(log, { trust: other }).problems).toMatchObject([
        { code: 'IDENTITY_NOT_PINNED' },
      ])
      expect(cut).not.toHaveBeenCalled()
    } finally {
      cut.mockRestore()
    }
  })

  test.for([
    { name: 'nobody on the roster', email: 'eve@example.com' },
    { name: 'whose address ends as hers', email: 'susana@example.com' },
    { name: 'whose address begins as hers', email: 'ana@example.com.example' },
  ])('by somebody $name -> IDENTITY_NOT_PINNED, and nothing is posted', async ({ email }) => {
    const { id, parts } = await held()
    const review = reviewRequest(parts, id, { verdict: 'approve' }, signerFor(email))
    await expect(review).rejects.toMatchObject({ code: 'IDENTITY_NOT_PINNED' })
    expect(await parts.forge.reviews(1)).toEqual([])
  })

  test('by a key beside it, one person counts once', async () => {
    const { id, parts } = await held()
    const found = await reviewRequest(parts, id, { verdict: 'approve' }, await signerOf('bo'))
    expect(found.resolution).toMatchObject({ by: ['bo'] })
  })
})

/** The forge with the reviews' bodies changed on their way to the engine. */
function changing(forge: Forge, change: (body: string) => string): Forge {
  return {
    ...forge,
    reviews: async (number) =>
      (await forge.reviews(number)).map((review) => ({ ...review, body: change(review.body) })),
  }
}

/** Changes the Sigstore bundle in a review's body. */
function inBundle(change: (bundle: Bundle) => void): (body: string) => string {
  return (body) =>
    body.replace(/(?<=```countersign-sigstore\n).*/, (text) => {
      const bundle = JSON.parse(text) as Bundle
      change(bundle)
      return canonicalize(bundle as unknown as JsonValue)
    })
}

type Bundle = {
  dsseEnvelope: { payload: string }
  verificationMaterial: {
    tlogEntries?: { inclusionProof: { checkpoint: { envelope: string } } }[]
    timestampVerificationData: { rfc3161Timestamps?: unknown[] }
  }
}

test.for<{ name: string; change: (body: string) => string; code: string }>([
  {
    name: 'without its time stamp, though the certificate has not expired',
    change: inBundle(({ verificationMaterial }) => {
      verificationMaterial.timestampVerificationData = {}
    }),
    code: 'SIGSTORE_UNTRUSTED',
  },
  {
    name: 'without its entry in the log',
    change: inBundle(({ verificationMaterial }) => {
      delete verificationMaterial.tlogEntries
    }),
    code: 'SIGSTORE_UNTRUSTED',
  },
  {
    name: 'with another size in the checkpoint',
    change: inBundle(({ verificationMaterial }) => {
      const [entry] = verificationMaterial.tlogEntries ?? []
      const proof = entry?.inclusionProof.checkpoint
      if (proof !== undefined) proof.envelope = proof.envelope.replace(/\n[0-9]+\n/, '\n99999\n')
    }),
    code: 'SIGSTORE_UNTRUSTED',
  },
  {
    name: 'with another payload',
    change: inBundle(({ dsseEnvelope }) => {
      const text = Buffer.from(dsseEnvelope.payload, 'base64').toString()
      const edited = text.replace('"verdict":"approve"', '"verdict":"reject"')
      dsseEnvelope.payload = Buffer.from(edited).toString('base64')
    }),
    code: 'SIGNATURE_WRONG',
  },
  {
    name: 'with another statement beside it',
    change: (body) => body.replace('"reviewer":"ana"', '"reviewer":"bo"'),
    code: 'SIGNATURE_WRONG',
  },
])('a real bundle $name -> $code, and the request waits', async ({ change, code }) => {
  const { id, parts } = await held()
  const altered = { ...parts, forge: changing(parts.forge, change) }
  const signer = signerFor('ana@example.com')
  const found = await reviewRequest(altered, id, { verdict: 'approve' }, signer)
  expect(found.resolution).toBeNull()
  const [review] = await parts.forge.reviews(1)
  const text = /```countersign-sigstore\n(.*)\n/.exec(change(review?.body ?? ''))?.[1] ?? ''
  const trust = { trusted_root: readTrustedRoot(JSON.stringify(stack.root)) }
  if (!code.startsWith('SIGNATURE')) {
    expect(() => verifySigstoreBundle(text, trust)).toThrow(expect.objectContaining({ code }))
  }
  // As it was signed it counts.
  expect((await settleRequest(parts, id)).resolution).toMatchObject({ decision: 'APPROVED' })
})

describe('identity tokens', () => {
  const identityOf = (token: () => Promise<string>) =>
    openSigstoreSigner({
      ...{ fulcioUrl: stack.fulcioUrl, rekorUrl: stack.rekorUrl, tsaUrl: stack.tsaUrl },
      ...{ token, clock: Date.now },
    }).identity()

  test.for([
    {
      name: 'for another audience',
      token: () => stack.token('a@b.example', { aud: 'shop' }),
      code: 'IDENTITY_TOKEN_INVALID',
    },
    {
      name: 'of an address that nobody verified',
      token: () => stack.token('a@b.example', { email_verified: false }),
      code: 'IDENTITY_TOKEN_INVALID',
    },
    { name: 'that is none', token: async () => 'secret-token', code: 'IDENTITY_TOKEN_INVALID' },
    {
      name: 'with another signature',
      token: async () => (await stack.token('a@b.example')).replace(/\.[^.]*$/, '.c2ln'),
      code: 'SIGSTORE_REFUSED',
    },
  ])('one $name -> $code', async ({ token, code }) => {
    const failed = await identityOf(token).then(String, (error: Error) => error)
    expect(failed).toMatchObject({ code })
    const said = JSON.stringify([failed, (failed as Error).message, (failed as Error).cause])
    expect(said).not.toContain((await token()).slice(-40))
  })

  test('a person signs in on another device', async () => {
    const said: string[] = []
    const ask = deviceToken({
      ...{ issuer: stack.issuer, clientId: 'sigstore', timeoutMs: 5000, secondMs: 50 },
      say: (text) => said.push(text),
    })
    stack.device.answer = 'pending'
    setTimeout(() => {
      stack.device.answer = { email: 'ana@example.com' }
    }, 300)
    expect(await identityOf(ask)).toEqual({ issuer: stack.issuer, subject: 'ana@example.com' })
    expect(said.join()).toContain('WDJB-MJHT')
    stack.device.answer = 'refuse'
    await expect(identityOf(ask)).rejects.toMatchObject({ code: 'IDENTITY_TOKEN_MISSING' })
  })

  test('one certificate serves several signatures', async () => {
    const token = vi.fn(() => stack.token('ana@example.com'))
    const { fulcioUrl, rekorUrl, tsaUrl } = stack
    const signer = openSigstoreSigner({ fulcioUrl, rekorUrl, tsaUrl, token, clock: Date.now })
    const trust = { trusted_root: stack.root }
    for (const text of ['{"a":1}', '{"a":2}']) {
      const bundle = await signer.sign(Buffer.from(text))
      expect(verifySigstoreBundle(bundle, trust).payload.toString()).toBe(text)
    }
    expect(token).toHaveBeenCalledOnce()
  })
})

test('the command line signs with a token from a file, or from the environment', async () => {
  const cwd = testFolder()
  for (const [path, text] of policyFiles(filesOf())) {
    mkdirSync(dirname(join(cwd, path)), { recursive: true })
    writeFileSync(join(cwd, path), text)
  }
  const checked = await runCli(['check', '--format', 'json'], { cwd })
  expect(JSON.stringify(checked.json)).not.toContain('JSON files are not read')
  for (const way of ['file', 'environment']) {
    const action = { ...refund, payload: { amount: 50, to: way } }
    const { json } = await runCli(['decide', JSON.stringify(action), '--format', 'json'], { cwd })
    const { request } = json as { request: { id: string } }
    const token = await stack.token('ana@example.com')
    writeFileSync(join(cwd, 'token'), `${token}\n`, { mode: 0o600 })
    const flags = way === 'file' ? ['--identity-token', 'token'] : []
    const env = way === 'file' ? {} : { SIGSTORE_ID_TOKEN: token }
    const ran = await runCli(['requests', 'approve', request.id, '--sigstore', ...flags], {
      cwd,
      env,
    })
    expect(ran).toMatchObject({ code: 0 })
    expect(ran.stdout).toContain(`signed as ana@example.com of ${stack.issuer}`)
    expect(ran.stdout).toContain('APPROVED')
  }
})

/** A proxy that nobody runs: what would leave this machine fails. */
const NO_NETWORK = { HTTPS_PROXY: 'http://127.0.0.1:9', HTTP_PROXY: 'http://127.0.0.1:9' }

test("cosign verifies a review's bundle, offline", async () => {
  const { id, ...opened } = await held()
  await reviewRequest(opened.parts, id, { verdict: 'approve' }, signerFor('ana@example.com'))
  const [approval] = await approvalsOf(opened, id)
  const found = await opened.parts.store.request(id)
  const { receipt } = await findReceipt(opened.parts.store, String(found?.heldAt))
  const { action } = (receipt as DecisionReceipt).predicate
  const write = (name: string, text: string): string => {
    writeFileSync(join(opened.folder, name), text)
    return name
  }
  const cosign = (identity: string, subject: string) =>
    spawnSync(
      goTool('cosign'),
      [
        ...['verify-blob-attestation', '--bundle', write('bundle.json', approval?.bundle ?? '')],
        ...['--trusted-root', write('root.json', JSON.stringify(stack.root))],
        ...['--certificate-identity', identity, '--certificate-oidc-issuer', stack.issuer],
        ...['--type', 'https://countersign.dev/attestation/review/v0.1'],
        ...['--use-signed-timestamps', write('action.json', subject)],
      ],
      { cwd: opened.folder, encoding: 'utf8', env: { ...process.env, ...NO_NETWORK } },
    )
  const text = canonicalize(action as unknown as JsonValue)
  const sound = cosign('ana@example.com', text)
  expect(sound.stderr).toContain('Verified OK')
  expect(sound.status).toBe(0)
  expect(cosign('bo@example.com', text).status).not.toBe(0)
  expect(cosign('ana@example.com', `${text} `).status).not.toBe(0)
})

// The last one: the parts that it ends stay down.
test('each service that is down -> SIGSTORE_UNREACHABLE, and nothing is posted', async () => {
  const { id, parts } = await held()
  const ready = signerFor('ana@example.com')
  await ready.identity()
  for (const name of ['tsa', 'rekor', 'fulcio'] as const) {
    await stack.stop(name)
    const signer = name === 'fulcio' ? signerFor('ana@example.com') : ready
    const review = reviewRequest(parts, id, { verdict: 'approve' }, signer)
    await expect(review).rejects.toMatchObject({ code: 'SIGSTORE_UNREACHABLE', retryable: true })
    expect(await parts.forge.reviews(1)).toEqual([])
  }
})
