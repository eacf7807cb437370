import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { JudgedRelease } from '../../../src/app/gate/release.ts'
import { attestRelease, forgetRelease } from '../../../src/app/gate/release-attest.ts'
import { type VerifyReleaseQuery, verifyRelease } from '../../../src/app/gate/verify-release.ts'
import { digestOf } from '../../../src/base/digest.ts'
import type { CompiledPolicy } from '../../../src/model/generated/types.ts'
import { formatVerifierKey } from '../../../src/trust/receipt/checkpoint.ts'
import { gateStatement } from '../../../src/trust/verify/attestation-statement.ts'
import {
  RELEASE_PREFIX,
  type ReleaseResult,
  releaseStatement,
  resultOver,
} from '../../../src/trust/verify/release-statement.ts'
import { ENGINE, FAKE, signer } from '../receipts/attest-case.ts'
import {
  ARTEFACT,
  filesOf,
  judgeCase,
  type Manifest,
  manifest,
  NOW,
  openCase,
  yaml,
} from './release-case.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const ARTEFACT_DIGEST = digestOf(ARTEFACT)
/** A trust file names a log; nothing here is in one. */
const LOGS = [
  {
    origin: 'countersign.local/shop',
    keys: [formatVerifierKey('countersign.local/shop', new Uint8Array(32))],
  },
]

/** The services of a policy, which the fake stands for. */
const services = {
  sigstore: {
    ...{ trusted_root: FAKE.root, tlog_min: 1, ctlog_min: 1 },
    ...{ fulcio_url: 'https://fulcio.example', rekor_url: 'https://rekor.example' },
    ...{ tsa_url: 'https://tsa.example', oidc_issuer: ENGINE.issuer, client_id: 'sigstore' },
  },
} as unknown as Pick<CompiledPolicy, 'sigstore'>

/** As judged by a policy that names Sigstore services too. */
function withServices(judged: JudgedRelease): JudgedRelease {
  const { bundle } = judged
  if (bundle === null) throw new Error(judged.gate.reason)
  return { ...judged, bundle: { ...bundle, policy: { ...bundle.policy, ...services } } }
}

async function attested(folder = openCase()) {
  const judged = await judgeCase(folder)
  const out = join(folder, 'out')
  const options = { folder: out, environment: {}, clock: () => NOW, signer: signer().keyless }
  const { files } = await attestRelease(withServices(judged), options)
  writeTrust(folder)
  return { folder, out, judged, files }
}

function writeTrust(
  folder: string,
  {
    subject = ENGINE.subject,
    ...more
  }: { readonly subject?: string; readonly policies?: readonly string[] } = {},
): void {
  const trust = {
    ...{ apiVersion: 'countersign/v1', kind: 'Trust', logs: LOGS },
    sigstore: { trusted_root: FAKE.root, attesters: [{ ...ENGINE, subject }] },
    ...more,
  }
  writeFileSync(join(folder, 'trust.json'), JSON.stringify(trust))
}

const queryOf = (
  folder: string,
  changes: Partial<VerifyReleaseQuery> = {},
): VerifyReleaseQuery => ({
  ...{ file: join(folder, 'out/release.sigstore.json'), trust: join(folder, 'trust.json') },
  ...{ artefacts: [{ name: null, at: join(folder, 'clerk.tar') }], name: null, policy: null },
  ...{ ageMsMax: DAY_MS, properties: [], isApprovedEnough: false, clock: () => NOW + 1000 },
  ...changes,
})

const codeOf = async (query: VerifyReleaseQuery): Promise<string> => {
  const { status, problems } = await verifyRelease(query)
  return problems[0]?.code ?? status
}

describe('of a release that may ship', async () => {
  test('the artefact, by file and by digest -> verified, with what it says', async () => {
    const { folder, judged } = await attested()
    const found = await verifyRelease(queryOf(folder))
    expect(found).toMatchObject({
      ...{ status: 'verified', identity: ENGINE, policy: judged.gate.policy },
      release: { name: 'clerk-2', agent: 'clerk', version: '2.0.0' },
    })
    for (const name of [null, 'clerk.tar']) {
      const artefacts = [{ name, at: ARTEFACT_DIGEST }]
      expect(await codeOf(queryOf(folder, { artefacts }))).toBe('verified')
    }
    writeTrust(folder, { policies: [judged.gate.policy ?? ''] })
    expect(await codeOf(queryOf(folder))).toBe('verified')
    const properties = ['LATENCY_WITHIN', 'COST_WITHIN', 'EVIDENCE_BOUND']
    const policy = judged.gate.policy
    expect(await codeOf(queryOf(folder, { properties, policy, name: 'clerk-2' }))).toBe('verified')
    const said = JSON.parse(readFileSync(join(folder, 'out/release.json'), 'utf8'))
    expect(said).toEqual(JSON.parse(JSON.stringify(judged.gate)))
  })

  test('what must be refused, is', async () => {
    const { folder } = await attested()
    const other = { name: null, at: digestOf('another artefact') }
    const mine = { name: null, at: ARTEFACT_DIGEST }
    const promptOf = { name: null, at: manifest().prompt.digest }
    const rows: readonly [string, Partial<VerifyReleaseQuery>, string][] = [
      ['another artefact', { artefacts: [other] }, 'RELEASE_ARTEFACT_FOREIGN'],
      [
        'its artefact under another name',
        { artefacts: [{ ...mine, name: 'sidecar.tar' }] },
        'RELEASE_ARTEFACT_FOREIGN',
      ],
      ['another artefact beside it', { artefacts: [mine, other] }, 'RELEASE_ARTEFACT_FOREIGN'],
      ['a subject that is no artefact', { artefacts: [promptOf] }, 'RELEASE_ARTEFACT_FOREIGN'],
      ['no artefact', { artefacts: [] }, 'RELEASE_ARTEFACT_FOREIGN'],
      ['another policy', { policy: digestOf('other') }, 'RELEASE_POLICY_FOREIGN'],
      ['a property that was not asked', { properties: ['FIRST'] }, 'RELEASE_PROPERTY_MISSING'],
      ['an old one', { clock: () => NOW + DAY_MS + 60_000 }, 'RELEASE_STALE'],
      ['one of the future', { clock: () => NOW - DAY_MS }, 'RELEASE_STALE'],
      ['another release', { name: 'clerk-1' }, 'RELEASE_ARTEFACT_FOREIGN'],
      ['no attestation', { file: join(folder, 'none') }, 'FILE_UNREADABLE'],
      ['no Sigstore bundle', { file: join(folder, 'clerk.tar') }, 'SIGSTORE_MALFORMED'],
    ]
    const found = []
    for (const [name, changes] of rows) found.push([name, await codeOf(queryOf(folder, changes))])
    expect(found).toEqual(rows.map(([name, , code]) => [name, code]))
    writeTrust(folder, { policies: [digestOf('the agreed policy')] })
    expect(await codeOf(queryOf(folder))).toBe('RELEASE_POLICY_FOREIGN')
    writeTrust(folder, { subject: 'mallory@example.com' })
    expect(await codeOf(queryOf(folder))).toBe('IDENTITY_NOT_PINNED')
    writeFileSync(
      join(folder, 'trust.json'),
      JSON.stringify({ apiVersion: 'countersign/v1', kind: 'Trust', logs: LOGS }),
    )
    expect(await codeOf(queryOf(folder))).toBe('SIGSTORE_UNCONFIGURED')
  })

  test('a changed release.json -> ATTESTATION_INVALID; without it a name cannot be asked', async () => {
    const { folder, out } = await attested()
    const file = join(out, 'release.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace('clerk-2', 'clerk-3'))
    expect(await codeOf(queryOf(folder))).toBe('ATTESTATION_INVALID')
    forgetRelease(out)
    expect(existsSync(file)).toBe(false)
    expect(await codeOf(queryOf(folder))).toBe('FILE_UNREADABLE')
  })

  test('its attestation proves that it can be gone back to', async () => {
    const { folder } = await attested()
    const later = manifest({ release: 'clerk-3', version: '3.0.0', rollback: { to: 'clerk-2' } })
    const files = filesOf(later, { 'releases/clerk-3.yaml': null })
    const next = openCase(
      {
        ...files,
        'releases/clerk-2.yaml': filesOf()['releases/clerk-2.yaml'] ?? null,
        'releases/clerk-3.yaml': files['releases/clerk-2.yaml'] ?? null,
      },
      null,
    )
    const rollback = {
      attestation: join(folder, 'out/release.sigstore.json'),
      trust: join(folder, 'trust.json'),
    }
    const { gate } = await judgeCase(next, { name: 'clerk-3', rollback })
    expect(gate.verdict).toBe('allow')
    const foreign = manifest({ release: 'clerk-3', version: '3.0.0', rollback: { to: 'clerk-1' } })
    const other = openCase(
      {
        ...filesOf(foreign),
        'releases/clerk-2.yaml': filesOf(foreign)['releases/clerk-2.yaml'] ?? null,
      },
      null,
    )
    const refused = await judgeCase(other, { name: 'clerk-3', rollback })
    expect(refused.gate.reason).toContain(
      'rollback: the attestation of clerk-1: RELEASE_ARTEFACT_FOREIGN',
    )
  })
})

describe('a release to go back to that shares its artefact with one that was attested', () => {
  const artefacts = manifest().artefacts
  test.for<{ name: string; target: Partial<Manifest>; want: string }>([
    {
      name: 'and its prompt is another',
      target: { prompt: { files: ['agent/prompt.md'], digest: digestOf('never judged') } },
      want: 'deny',
    },
    { name: 'and its model is another', target: { model: { name: 'other' } }, want: 'deny' },
    { name: 'and is another release', target: { release: 'clerk-1' }, want: 'deny' },
    { name: 'and is that one', target: {}, want: 'allow' },
  ])('$name -> $want', async ({ target, want }) => {
    const { folder } = await attested()
    const back = manifest({ rollback: { first: true }, artefacts, ...target })
    const later = manifest({
      ...{ release: 'clerk-3', version: '3.0.0', rollback: { to: back.release } },
    })
    const next = openCase(
      {
        ...filesOf(later, { 'releases/clerk-1.yaml': null, 'releases/clerk-2.yaml': yaml(back) }),
        'releases/clerk-3.yaml': yaml(later),
      },
      null,
    )
    const rollback = {
      attestation: join(folder, 'out/release.sigstore.json'),
      trust: join(folder, 'trust.json'),
    }
    const { gate } = await judgeCase(next, { name: 'clerk-3', rollback })
    expect([gate.verdict, gate.properties.find(({ id }) => id === 'rollback')?.says]).toEqual([
      want,
      want,
    ])
  })
})

describe('statements that somebody who may attest made up', () => {
  const result = (changes: Partial<ReleaseResult> = {}): ReleaseResult => ({
    ...resultOver(Buffer.from('{}'), {
      ...{ policy: digestOf('policy'), prompt: digestOf('prompt'), tools: digestOf('tools') },
      artefacts: [{ name: 'clerk.tar', digest: ARTEFACT_DIGEST }],
      timeCreated: new Date(NOW).toISOString(),
      properties: ALL,
    }),
    ...changes,
  })
  const ALL = [
    ...['ALLOWED', 'POLICY_CHECKED', 'POLICY_TESTED', 'FINGERPRINT_APPROVED', 'PROMPT_MATCHES'],
    ...['TOOLS_MATCH', 'ARTEFACTS_MATCH', 'EVIDENCE_FRESH', 'EVALS_PASSED', 'FALLBACK_READY'],
    'ROLLBACK_READY',
  ].map((name) => `${RELEASE_PREFIX}${name}`)
  const signed = async (statement: Uint8Array, changes: Partial<VerifyReleaseQuery> = {}) => {
    const folder = openCase({ 'clerk.tar': ARTEFACT }, null)
    writeTrust(folder)
    const file = join(folder, 'release.sigstore.json')
    writeFileSync(file, await signer().keyless.sign(statement))
    return codeOf(queryOf(folder, { file, ...changes }))
  }

  test('the honest one -> verified', async () => {
    expect(await signed(releaseStatement(result()))).toBe('verified')
  })

  test.for(ALL)('without %s -> RELEASE_PROPERTY_MISSING', async (name) => {
    const properties = ALL.filter((one) => one !== name)
    expect(await signed(releaseStatement(result({ properties })))).toBe('RELEASE_PROPERTY_MISSING')
  })

  test('that people let pass -> only where that is enough', async () => {
    const properties = [
      ...ALL.filter((one) => !one.endsWith('EVALS_PASSED')),
      `${RELEASE_PREFIX}APPROVED`,
    ]
    const statement = releaseStatement(result({ properties }))
    expect(await signed(statement)).toBe('RELEASE_PROPERTY_MISSING')
    expect(await signed(statement, { isApprovedEnough: true })).toBe('verified')
    const missed = releaseStatement(result({ properties: [...ALL, `${RELEASE_PREFIX}APPROVED`] }))
    expect(await signed(missed)).toBe('RELEASE_PROPERTY_MISSING')
  })

  const text = () => Buffer.from(releaseStatement(result())).toString()
  test.for([
    {
      name: 'of another verifier',
      edit: (one: string) => one.replace('gate/release/v0.1', 'gate/v0.1'),
    },
    { name: 'of another type', edit: (one: string) => one.replace('svr/v0.2', 'svr/v0.1') },
    {
      name: 'with one subject more',
      edit: (one: string) =>
        one.replace(
          '"subject":[',
          `"subject":[{"digest":{"sha256":"${'0'.repeat(64)}"},"name":"artefact:x"},`,
        ),
    },
    {
      name: 'whose policy is not the bundle',
      edit: (one: string) =>
        one.replace('"policies":[{"digest":{"sha256":"', '"policies":[{"digest":{"sha256":"00'),
    },
    {
      name: 'that says more',
      edit: (one: string) => one.replace('"timeCreated"', '"other":1,"timeCreated"'),
    },
    { name: 'in another form', edit: (one: string) => ` ${one}` },
  ])('$name -> ATTESTATION_INVALID', async ({ edit }) => {
    expect(edit(text())).not.toBe(text())
    expect(await signed(Buffer.from(edit(text())))).toBe('ATTESTATION_INVALID')
  })

  test('whose policy is no digest -> ATTESTATION_INVALID', async () => {
    const policy = 'sha256:\u001b[2J'
    expect(await signed(releaseStatement(result({ policy })))).toBe('ATTESTATION_INVALID')
  })

  test('made at another time than it was signed -> ATTESTATION_INVALID', async () => {
    const timeCreated = new Date(NOW - DAY_MS).toISOString()
    expect(await signed(releaseStatement(result({ timeCreated })))).toBe('ATTESTATION_INVALID')
  })

  test('the verdict of a gate on a change -> ATTESTATION_INVALID', async () => {
    const verdict = Buffer.from('{"verdict":"open"}')
    const about = { verdict, head: 'a'.repeat(40), policy: digestOf('policy') }
    const timeCreated = new Date(NOW).toISOString()
    const statement = gateStatement({ ...about, timeCreated, properties: ALL })
    expect(await signed(statement)).toBe('ATTESTATION_INVALID')
  })
})

test('a release that is held or denied -> RELEASE_NOT_APPROVED, and no file', async () => {
  const folder = openCase(filesOf(manifest(), { 'agent/prompt.md': 'other' }))
  const judged = await judgeCase(folder)
  for (const one of [judged, { ...judged, gate: { ...judged.gate, verdict: 'hold' as const } }]) {
    const open = withServices(one)
    const options = {
      folder: join(folder, 'out'),
      environment: {},
      clock: () => NOW,
      signer: signer().keyless,
    }
    await expect(attestRelease(open, options)).rejects.toMatchObject({
      code: 'RELEASE_NOT_APPROVED',
    })
  }
  expect(existsSync(join(folder, 'out'))).toBe(false)
})
