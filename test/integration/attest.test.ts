import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { bundleFromJSON } from '@sigstore/bundle'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { goTool } from '../../scripts/tools.ts'
import { open } from '../../src/app/engine/open-engine.ts'
import { canonicalize } from '../../src/base/canonical-json.ts'
import type { JsonValue } from '../../src/base/json-value.ts'
import { writeSshKey } from '../../src/host/ssh-key.ts'
import type { AttestationReport } from '../../src/model/attestation-report.ts'
import type { DecisionReceipt, GenesisReceipt } from '../../src/model/generated/types.ts'
import type { LogReport } from '../../src/model/log-report.ts'
import { baseFiles, CHANGES, limit, openRepository } from '../app/changes/change-case.ts'
import { CREDENTIAL, KEYS, policyFiles } from '../app/support.ts'
import { fakeSigstore } from '../fakes/sigstore/fake-sigstore.ts'
import { runCli } from '../shells/cli/run.ts'
import { temporaryFolder } from './support/host.ts'
import { type SigstoreStack, startSigstore } from './support/sigstore-stack.ts'

// A checkpoint, an approval and a gate's verdict, attested through a private Sigstore, and verified three ways: by our own
// command, by sigstore-js, and by cosign.

const folder = temporaryFolder('attest')
const shop = join(folder, 'shop')
const out = join(folder, 'gate')
let stack: SigstoreStack

const HEAD = 'apiVersion: countersign/v1\nkind: '
const ROOT_FILE = 'policies/sigstore/trusted_root.json'
const EMAIL = 'engine@example.com'
const refund = (amount: number) =>
  JSON.stringify({
    agent: 'clerk',
    service: 'shop',
    action: 'refund',
    payload: { amount, to: 'u-1' },
  })

const sigstore = () => `sigstore:
  trusted_root: ${ROOT_FILE}
  fulcio_url: ${stack.fulcioUrl}
  rekor_url: ${stack.rekorUrl}
  tsa_url: ${stack.tsaUrl}
  oidc_issuer: ${stack.issuer}
`

function writeAll(root: string, files: Iterable<readonly [string, string]>): void {
  for (const [path, text] of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
}

const cli = (line: readonly string[], cwd = shop) => runCli(line, { cwd })

async function approved(amount: number): Promise<string> {
  const { json } = await cli(['decide', refund(amount), '--format', 'json'])
  const { id } = (json as { request: { id: string } }).request
  const ran = await cli(['requests', 'approve', id, '--key', 'ana_key'])
  expect(ran).toMatchObject({ code: 0 })
  return id
}

const token = async (name = 'token', email = EMAIL): Promise<string> => {
  writeFileSync(join(folder, name), await stack.token(email), { mode: 0o600 })
  return join(folder, name)
}

/** What is attested, and what each verifier needs to know of it. */
type Attested = { readonly bundle: string; readonly subject: string; readonly type: string }
const TYPES = {
  checkpoint: 'https://countersign.dev/attestation/log-checkpoint/v0.1',
  approval: 'https://countersign.dev/attestation/decision/v0.1',
  gate: 'https://in-toto.io/attestation/svr/v0.2',
} as const
type Kind = keyof typeof TYPES
const KINDS = Object.keys(TYPES) as Kind[]
const made = {} as Record<Kind, Attested>
const data = (path: string) => join(shop, '.countersign', path)

beforeAll(async () => {
  stack = await startSigstore(join(folder, 'stack'))
  writeAll(
    shop,
    policyFiles({
      'countersign.yaml': `${HEAD}Project\nproject: shop\nlog: { attest: { every: 1s } }\ndefaults: { low: allow, medium: allow, high: hold, critical: deny }\n${sigstore()}`,
      [ROOT_FILE]: JSON.stringify(stack.root),
    }),
  )
  await writeSshKey(join(shop, 'ana_key'), KEYS.ana)
  await approved(50)
  const ran = await cli(['log', 'attest', '--identity-token', await token(), '--format', 'json'])
  expect(ran).toMatchObject({ code: 0, json: { trouble: null } })
  const entry = readFileSync(data('attestations/receipts/2.sigstore.json'), 'utf8')
  const { dsseEnvelope } = JSON.parse(entry) as { dsseEnvelope: { payload: string } }
  const receipt = JSON.parse(
    Buffer.from(dsseEnvelope.payload, 'base64').toString(),
  ) as DecisionReceipt
  writeFileSync(join(folder, 'action.json'), canonicalize(receipt.predicate.action as JsonValue))
  made.checkpoint = {
    bundle: data('attestations/checkpoints/3.sigstore.json'),
    subject: data('attestations/checkpoints/3.checkpoint'),
    type: TYPES.checkpoint,
  }
  made.approval = {
    bundle: data('attestations/receipts/2.sigstore.json'),
    subject: join(folder, 'action.json'),
    type: TYPES.approval,
  }
  made.gate = {
    bundle: join(out, 'verdict.sigstore.json'),
    subject: join(out, 'verdict.json'),
    type: TYPES.gate,
  }
  const { json } = await cli(['receipts', 'show', '0'])
  const { origin, verifierKey } = (json as { receipt: GenesisReceipt }).receipt.predicate
  writeTrust('trust.json', { logs: [{ origin, keys: [verifierKey] }] })
})
afterAll(() => stack.stop())

let pinned: object = {}
function writeTrust(name: string, changes: object): string {
  const attesters = [{ issuer: stack.issuer, subject: EMAIL }]
  pinned = {
    ...{ apiVersion: 'countersign/v1', kind: 'Trust', ...pinned },
    sigstore: { trusted_root: stack.root, attesters },
    ...changes,
  }
  writeFileSync(join(folder, name), JSON.stringify(pinned))
  return join(folder, name)
}

const trust = () => join(folder, 'trust.json')

test('an open gate is attested; a closed one writes nothing and exits 1', async () => {
  const repository = openRepository({
    ...baseFiles(`${CHANGES}${sigstore()}`),
    [ROOT_FILE]: JSON.stringify(stack.root),
  })
  const gate = (flags: readonly string[]) =>
    cli(
      ['gate', 'approvals', '--base', 'main', '--head', 'change', '--attest', out, ...flags],
      repository.folder,
    )
  await repository.commit(limit('limit: 50'))
  const closed = await gate(['--identity-token', await token()])
  expect(closed.code).toBe(1)
  expect(existsSync(out)).toBe(false)
  await repository.commit(limit('limit: 4'))
  const untold = await gate(['--format', 'json'])
  expect(untold.code).not.toBe(0)
  expect(existsSync(out)).toBe(false)
  const opened = await gate(['--identity-token', await token(), '--format', 'json'])
  expect(opened).toMatchObject({ code: 0, json: { verdict: 'open' } })
  expect(opened.stderr).toContain(`attested as ${EMAIL}`)
  expect(JSON.parse(readFileSync(join(out, 'verdict.json'), 'utf8'))).toEqual(opened.json)
  const text = readFileSync(made.gate.bundle, 'utf8')
  const { dsseEnvelope } = JSON.parse(text) as { dsseEnvelope: { payload: string } }
  const statement = JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString())
  expect(statement).toMatchObject({
    subject: [
      { name: 'verdict.json' },
      { digest: { gitCommit: repository.git('rev-parse', 'change').trim() } },
    ],
    predicate: {
      verifier: { id: 'https://countersign.dev/gate/v0.1' },
      properties: [
        'COUNTERSIGN_GATE_OPEN',
        'COUNTERSIGN_NOTHING_WEAKENED',
        'COUNTERSIGN_POLICY_COMPILES',
      ],
    },
  })
})

/** Ours: what the command says of a bundle. */
async function ours(
  { bundle, subject, type }: Attested,
  given: { readonly trust?: string; readonly subject?: string } = {},
): Promise<string> {
  // Of a receipt the subject for cosign is its action; ours takes the receipt itself.
  const about = given.subject ?? (type === TYPES.approval ? undefined : subject)
  const ran = await cli([
    ...['log', 'verify-attestation', bundle, '--trust', given.trust ?? trust()],
    ...(about === undefined ? [] : ['--subject', about]),
    ...['--format', 'json'],
  ])
  const { status, problems } = ran.json as AttestationReport
  expect(ran.code).toBe(status === 'verified' ? 0 : 1)
  return problems[0]?.code ?? status
}

type Policy = { readonly identity?: string; readonly issuer?: string; readonly type?: string }

/** A proxy that nobody runs: what would leave this machine fails. */
const NO_NETWORK = { HTTPS_PROXY: 'http://127.0.0.1:9', HTTP_PROXY: 'http://127.0.0.1:9' }

function cosign(attested: Attested, policy: Policy = {}, root: object = stack.root) {
  writeFileSync(join(folder, 'root.json'), JSON.stringify(root))
  return spawnSync(
    goTool('cosign'),
    [
      ...['verify-blob-attestation', '--bundle', attested.bundle, '--trusted-root', 'root.json'],
      ...['--certificate-identity', policy.identity ?? EMAIL],
      ...['--certificate-oidc-issuer', policy.issuer ?? stack.issuer],
      ...['--type', policy.type ?? attested.type, '--use-signed-timestamps', attested.subject],
    ],
    { cwd: folder, encoding: 'utf8', env: { ...process.env, ...NO_NETWORK } },
  )
}

function expectRefused({ status, stderr }: ReturnType<typeof cosign>, says: string): void {
  expect(status).not.toBe(0)
  expect(stderr).toContain(says)
}

const escaped = (text: string) => `^${text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`

/** sigstore-js, as its documentation uses it. */
function sigstoreJs(
  { bundle }: Attested,
  { identity = EMAIL, issuer = stack.issuer }: Policy = {},
  root: object = stack.root,
): string {
  try {
    const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(root)), {
      timestampThreshold: 1,
    })
    const entity = toSignedEntity(bundleFromJSON(JSON.parse(readFileSync(bundle, 'utf8'))))
    verifier.verify(entity, { subjectAlternativeName: escaped(identity), extensions: { issuer } })
    return 'verified'
  } catch (error) {
    return `refused: ${(error as Error).message}`
  }
}

describe.each(KINDS)('of a %s', (kind) => {
  test('verified by our command, sigstore-js and cosign, with the network cut', async () => {
    const cut = vi.spyOn(globalThis, 'fetch').mockRejectedValue(new Error('the network is cut'))
    try {
      expect(await ours(made[kind])).toBe('verified')
      expect(sigstoreJs(made[kind])).toBe('verified')
    } finally {
      cut.mockRestore()
    }
    const sound = cosign(made[kind])
    expect(sound.stderr).toContain('Verified OK')
    expect(sound.status).toBe(0)
  })

  test.for([
    { name: 'identity', policy: { identity: 'bo@example.com' }, says: 'expected SAN value' },
    {
      name: 'identity that the pinned one contains',
      policy: { identity: 'ngine@example.com' },
      says: 'expected SAN value',
    },
    { name: 'issuer', policy: { issuer: 'https://issuer.example' }, says: 'expected issuer value' },
  ])('wrong $name -> refused by all', async ({ policy, says }) => {
    const { issuer = stack.issuer, identity: subject = EMAIL } = policy as Policy
    const sigstore = { trusted_root: stack.root, attesters: [{ issuer, subject }] }
    const other = join(folder, 'other.json')
    writeFileSync(other, JSON.stringify({ ...pinned, sigstore }))
    expect(await ours(made[kind], { trust: other })).toBe('IDENTITY_NOT_PINNED')
    expect(sigstoreJs(made[kind], policy)).toMatch(/^refused/)
    expectRefused(cosign(made[kind], policy), says)
  })

  test('wrong type, wrong subject -> refused by ours and cosign', async () => {
    const other = KINDS[(KINDS.indexOf(kind) + 1) % KINDS.length] as Kind
    // What one kind's file says under another kind's name.
    const moved = join(folder, `${kind}-as.sigstore.json`)
    writeFileSync(moved, readFileSync(made[other].bundle))
    const found = await ours({ ...made[kind], bundle: moved }, { subject: made[kind].subject })
    expect(found).not.toBe('verified')
    expectRefused(cosign(made[kind], { type: TYPES[other] }), 'invalid predicate type')
    const altered = join(folder, 'altered')
    writeFileSync(altered, `${readFileSync(made[kind].subject, 'utf8')} `)
    expect(await ours(made[kind], { subject: altered })).not.toBe('verified')
    expectRefused(cosign({ ...made[kind], subject: altered }), 'digests do not match')
  })

  // biome-ignore lint/suspicious/noExplicitAny: any part of a bundle is broken.
  test.for<{ name: string; edit: (bundle: any) => void; want: string; says: string }>([
    {
      name: 'tampered payload',
      edit: ({ dsseEnvelope }) => {
        const text = Buffer.from(dsseEnvelope.payload, 'base64').toString()
        const other = text.replace(/[0-9a-f](?="\})/, (digit) => (digit === '0' ? '1' : '0'))
        dsseEnvelope.payload = Buffer.from(other).toString('base64')
      },
      want: 'SIGNATURE_WRONG',
      says: 'failed to verify log inclusion',
    },
    {
      name: 'missing time stamp',
      edit: ({ verificationMaterial }) => {
        verificationMaterial.timestampVerificationData = {}
      },
      want: 'SIGSTORE_UNTRUSTED',
      says: 'threshold not met for verified signed timestamps',
    },
  ])('$name -> refused by all', async ({ name, edit, want, says }) => {
    const bundle = JSON.parse(readFileSync(made[kind].bundle, 'utf8'))
    edit(bundle)
    const file = join(folder, `${name.replaceAll(' ', '-')}.sigstore.json`)
    writeFileSync(file, canonicalize(bundle))
    const broken = { ...made[kind], bundle: file }
    expect(await ours(broken)).toBe(want)
    expect(sigstoreJs(broken)).toMatch(/^refused/)
    expectRefused(cosign(broken), says)
  })

  test('expired certificate -> refused by all', async () => {
    // No honest authority signs such a thing, so one in this process does.
    const now = Date.now()
    const fake = fakeSigstore(now)
    const { dsseEnvelope } = JSON.parse(readFileSync(made[kind].bundle, 'utf8'))
    const payload = Buffer.from(dsseEnvelope.payload, 'base64')
    const issuer = stack.issuer
    const by = (name: string, stampedAt: number): Attested => {
      const bundle = join(folder, `${name}.sigstore.json`)
      writeFileSync(bundle, fake.sign(payload, { subject: EMAIL, issuer, stampedAt }))
      return { ...made[kind], bundle }
    }
    const other = join(folder, 'fake-trust.json')
    const sigstore = { trusted_root: fake.root, attesters: [{ issuer, subject: EMAIL }] }
    writeFileSync(other, JSON.stringify({ ...pinned, sigstore }))
    const [sound, expired] = [by('sound', now), by('expired', now + 3_600_000)]
    expect(await ours(sound, { trust: other })).toBe('verified')
    expect(await ours(expired, { trust: other })).toBe('SIGSTORE_UNTRUSTED')
    expect(sigstoreJs(sound, {}, fake.root)).toBe('verified')
    expect(sigstoreJs(expired, {}, fake.root)).toMatch(/^refused/)
    expect(cosign(sound, {}, fake.root).stderr).toContain('Verified OK')
    expectRefused(cosign(expired, {}, fake.root), 'leaf certificate verification failed')
  })
})

test('an auditor verifies the log with its attestations, and a published copy of it', async () => {
  const site = join(folder, 'site')
  expect(await cli(['log', 'publish', '--to', site])).toMatchObject({ code: 0 })
  for (const place of [data('log'), site]) {
    const ran = await cli(['receipts', 'verify', place, '--trust', trust(), '--format', 'json'])
    const report = ran.json as LogReport
    expect(report).toMatchObject({ status: 'verified', problems: [] })
    expect(report.proven.join('\n')).toMatch(
      new RegExp(`the log stood at 3 receipts by 20[^ ]*Z: ${EMAIL} of ${stack.issuer}`),
    )
    expect(report.proven).toContain('1 of 1 resolutions have an attestation of their own')
  }
})

test('receipts attest: any receipt, and an unknown one is none', async () => {
  const ran = await cli(['receipts', 'attest', '1', '--identity-token', await token()])
  expect(ran).toMatchObject({ code: 0 })
  expect(existsSync(data('attestations/receipts/1.sigstore.json'))).toBe(true)
  expect(await cli(['receipts', 'attest', '99'])).toMatchObject({ code: 2 })
})

const BIN = join(import.meta.dirname, '../../src/shells/cli/bin.ts')

/** A round in a process of its own. */
function round(store: string, tokenFile: string) {
  const argv = ['log', 'attest', '--data', store, '--identity-token', tokenFile]
  const child = spawn(process.execPath, [BIN, ...argv], { cwd: shop, stdio: 'ignore' })
  return { child, ended: new Promise<void>((resolve) => child.once('exit', () => resolve())) }
}

test('processes at once, some of them killed: each file is whole, and nothing is missing', async () => {
  const [tokenFile, store] = [await token('many-token'), join(folder, 'many')]
  const engine = await open({ policy: shop, store, credential: CREDENTIAL })
  try {
    for (const amount of [1, 2, 3, 4, 5, 6]) {
      const { request } = await engine.defer(refund(amount))
      const flags = ['--data', store, '--key', 'ana_key']
      await cli(['requests', 'approve', String(request), ...flags])
    }
    for (const ms of [900, 1200, 1500, 1800]) {
      const { child, ended } = round(store, tokenFile)
      setTimeout(() => child.kill('SIGKILL'), ms)
      await ended
    }
    await Promise.all([round(store, tokenFile).ended, round(store, tokenFile).ended])
  } finally {
    await engine.close()
  }
  const { json } = await cli(['receipts', 'show', '0', '--data', store])
  const { origin, verifierKey } = (json as { receipt: GenesisReceipt }).receipt.predicate
  const file = writeTrust('many-trust.json', { logs: [{ origin, keys: [verifierKey] }] })
  const place = join(store, 'log')
  const ran = await cli(['receipts', 'verify', place, '--trust', file, '--format', 'json'])
  expect(ran.json).toMatchObject({ status: 'verified', problems: [] })
  expect((ran.json as LogReport).proven).toContain(
    '6 of 6 resolutions have an attestation of their own',
  )
})

test('Fulcio stops: decisions go on, and the queue is worked off once it is back', async () => {
  const [tokenFile, store] = [await token('engine-token'), join(folder, 'engine')]
  const engine = await open({
    ...{ policy: shop, store, credential: CREDENTIAL },
    attest: { tokenFile, lookMs: 50, pauseMs: 100 },
  })
  const receipts = join(store, 'attestations', 'receipts')
  const attested = () =>
    existsSync(receipts) ? readdirSync(receipts).filter((name) => name.endsWith('.json')) : []
  const end = async (amount: number) => {
    const { request } = await engine.defer(refund(amount))
    const flags = ['--data', store, '--key', 'ana_key']
    expect(await cli(['requests', 'approve', String(request), ...flags])).toMatchObject({ code: 0 })
    return engine.status(String(request))
  }
  try {
    await stack.stop('fulcio')
    for (const amount of [50, 60, 70]) {
      expect(await end(amount)).toMatchObject({ status: 'APPROVED', payload: { amount } })
    }
    const examined = await cli(['doctor', '--data', store])
    expect(examined.stdout).toContain(`fulcio at ${stack.fulcioUrl} gives no answer`)
    expect(examined.stdout).toContain('3 resolutions wait')
    const flags = ['--data', store, '--identity-token', tokenFile, '--format', 'json']
    const round = await cli(['log', 'attest', ...flags])
    expect(round).toMatchObject({
      code: 3,
      json: {
        attested: [],
        queued: { resolutions: [2, 4, 6] },
        trouble: { code: 'SIGSTORE_UNREACHABLE' },
      },
    })
    expect(attested()).toEqual([])
    await stack.restartFulcio()
    await vi.waitFor(() => expect(attested()).toHaveLength(3), { timeout: 30_000, interval: 100 })
    await vi.waitFor(
      async () => {
        const ran = await cli(['log', 'attest', ...flags])
        expect(ran).toMatchObject({ json: { attested: [], trouble: null } })
      },
      { timeout: 30_000, interval: 500 },
    )
  } finally {
    await engine.close()
  }
  const { json } = await cli(['receipts', 'show', '0', '--data', store])
  const { origin, verifierKey } = (json as { receipt: GenesisReceipt }).receipt.predicate
  const file = writeTrust('engine-trust.json', { logs: [{ origin, keys: [verifierKey] }] })
  const ran = await cli([
    'receipts',
    'verify',
    join(store, 'log'),
    '--trust',
    file,
    '--format',
    'json',
  ])
  expect(ran.json).toMatchObject({ status: 'verified' })
  expect((ran.json as LogReport).proven).toContain(
    '3 of 3 resolutions have an attestation of their own',
  )
})
