import { describe, expect, test } from 'vitest'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import { sha256Hex, utf8 } from '../../../src/base/digest.ts'
import type { JsonObject } from '../../../src/base/json-value.ts'
import type { Trust } from '../../../src/model/generated/types.ts'
import {
  verifyCheckpointAttestation,
  verifyGateAttestation,
  verifyReceiptAttestation,
} from '../../../src/trust/verify/attestation.ts'
import {
  checkpointStatement,
  gateStatement,
} from '../../../src/trust/verify/attestation-statement.ts'
import { verifyLog } from '../../../src/trust/verify/log.ts'
import { parseTrust } from '../../../src/trust/verify/trust.ts'
import type { Editable, Signing } from '../../fakes/sigstore/fake-sigstore.ts'
import { fakeSigstore, ISSUER } from '../../fakes/sigstore/fake-sigstore.ts'
import {
  filesOf,
  hold,
  logSigner,
  note,
  ORIGIN,
  resolution,
  smallLog,
  trustOf,
  verdict,
} from './log-case.ts'

// Attestations of checkpoints, receipts and gates, and of a log that comes with some.

const AT = Date.parse('2026-11-21T11:00:00Z')
const FAKE = fakeSigstore(AT)
const ATTESTER = { issuer: ISSUER, subject: 'engine@example.com' }
const { reviewers: _, policies: __, ...PLAIN } = trustOf()
const TRUST: Trust = {
  ...PLAIN,
  sigstore: { trusted_root: { ...FAKE.root }, attesters: [ATTESTER] },
}

const entries = smallLog()
const NOTE = utf8(note(entries))
const KEY = logSigner().verifierKey
const STATEMENT = checkpointStatement(NOTE, KEY)

function codeOf(work: () => unknown): string {
  try {
    work()
    return 'verified'
  } catch (error) {
    return `${(error as { code?: string }).code ?? error}`
  }
}

const signed = (payload: Uint8Array, signing: Signing = {}): string =>
  FAKE.sign(payload, { subject: ATTESTER.subject, ...signing })

/** A statement with some of it changed, still in RFC 8785 form. */
function edited(payload: Uint8Array, edit: (statement: Editable) => void): Uint8Array {
  const statement = JSON.parse(new TextDecoder().decode(payload)) as Editable
  edit(statement)
  return utf8(canonicalize(statement))
}

type Row = {
  readonly name: string
  readonly signing?: Signing
  readonly edit?: (statement: Editable) => void
  readonly trust?: Trust
  readonly want: string
}

const ROWS: readonly Row[] = [
  { name: 'sound', want: 'verified' },
  {
    name: 'by another subject',
    signing: { subject: 'eve@example.com' },
    want: 'IDENTITY_NOT_PINNED',
  },
  {
    name: 'by a subject that contains the pinned one',
    signing: { subject: 'xengine@example.com' },
    want: 'IDENTITY_NOT_PINNED',
  },
  {
    name: 'through another issuer',
    signing: { issuer: 'https://other.example' },
    want: 'IDENTITY_NOT_PINNED',
  },
  {
    name: 'under another authority',
    signing: { foreign: 'certificate' },
    want: 'SIGSTORE_UNTRUSTED',
  },
  { name: 'without a time stamp', signing: { without: 'stamp' }, want: 'SIGSTORE_UNTRUSTED' },
  {
    name: 'stamped by another authority',
    signing: { foreign: 'stamp' },
    want: 'SIGSTORE_UNTRUSTED',
  },
  { name: 'in no log', signing: { without: 'log' }, want: 'SIGSTORE_UNTRUSTED' },
  {
    name: 'with a certificate that had expired',
    signing: { stampedAt: AT + 3_600_000 },
    want: 'SIGSTORE_UNTRUSTED',
  },
  {
    name: 'of another payload type',
    signing: { payloadType: 'text/plain' },
    want: 'ATTESTATION_INVALID',
  },
  {
    name: 'with another payload put in',
    signing: {
      edit: (bundle) => {
        bundle.dsseEnvelope.payload = Buffer.from('{"_type":"x"}').toString('base64')
      },
    },
    want: 'SIGNATURE_WRONG',
  },
  {
    name: 'of another statement type',
    edit: (statement) => {
      statement._type = 'https://in-toto.io/Statement/v0.1'
    },
    want: 'ATTESTATION_INVALID',
  },
  {
    name: 'without attesters in the trust file',
    trust: { ...TRUST, sigstore: { trusted_root: { ...FAKE.root } } },
    want: 'SIGSTORE_UNCONFIGURED',
  },
  { name: 'without a root in the trust file', trust: PLAIN, want: 'SIGSTORE_UNCONFIGURED' },
  {
    name: 'under a trusted root of others',
    trust: {
      ...PLAIN,
      sigstore: { trusted_root: { ...fakeSigstore(AT).root }, attesters: [ATTESTER] },
    },
    want: 'SIGSTORE_UNTRUSTED',
  },
]

const subjectOf = (statement: Editable): Editable => statement.subject[0]
const predicateOf = (statement: Editable): Editable => statement.predicate

describe('of a checkpoint', () => {
  test.for<Row>([
    ...ROWS,
    {
      name: 'with the predicate type of a receipt',
      edit: (statement) => {
        statement.predicateType = 'https://countersign.dev/attestation/decision/v0.1'
      },
      want: 'ATTESTATION_INVALID',
    },
    {
      name: 'over another digest',
      edit: (statement) => {
        subjectOf(statement).digest = { sha256: sha256Hex('other') }
      },
      want: 'ATTESTATION_INVALID',
    },
    {
      name: 'under another name',
      edit: (statement) => {
        subjectOf(statement).name = 'countersign.test/other'
      },
      want: 'ATTESTATION_INVALID',
    },
    ...['origin', 'root', 'verifierKey'].map((key) => ({
      name: `with another ${key}`,
      edit: (statement: Editable) => {
        predicateOf(statement)[key] = 'other'
      },
      want: 'ATTESTATION_INVALID',
    })),
    {
      name: 'with another size',
      edit: (statement) => {
        predicateOf(statement).size = 6
      },
      want: 'ATTESTATION_INVALID',
    },
    {
      name: 'with more in it',
      edit: (statement) => {
        predicateOf(statement).note = 'more'
      },
      want: 'ATTESTATION_INVALID',
    },
    {
      name: 'of a log whose key is not pinned',
      trust: { ...TRUST, logs: [{ origin: ORIGIN, keys: [logSigner(9).verifierKey] }] },
      want: 'CHECKPOINT_UNTRUSTED',
    },
  ])('$name -> $want', ({ signing, edit, trust = TRUST, want }) => {
    const payload = edit === undefined ? STATEMENT : edited(STATEMENT, edit)
    expect(codeOf(() => verifyCheckpointAttestation(signed(payload, signing), NOTE, trust))).toBe(
      want,
    )
  })

  test('says who, and when', () => {
    expect(verifyCheckpointAttestation(signed(STATEMENT), NOTE, TRUST)).toMatchObject({
      ...{ identity: ATTESTER, times: [AT] },
      checkpoint: { origin: ORIGIN, size: 5 },
    })
  })

  test('with another note beside it -> ATTESTATION_INVALID', () => {
    const other = utf8(note(entries.slice(0, 4)))
    expect(codeOf(() => verifyCheckpointAttestation(signed(STATEMENT), other, TRUST))).toBe(
      'ATTESTATION_INVALID',
    )
  })
})

describe('of a receipt', () => {
  const entry = entries[4] ?? new Uint8Array()
  test.for<Row>(ROWS)('$name -> $want', ({ signing, edit, trust = TRUST, want }) => {
    const payload = edit === undefined ? entry : edited(entry, edit)
    expect(codeOf(() => verifyReceiptAttestation(signed(payload, signing), null, trust))).toBe(want)
  })

  test.for([
    { name: 'this receipt', of: 4, want: 'verified' },
    { name: 'another receipt', of: 3, want: 'ATTESTATION_INVALID' },
  ])('compared with $name -> $want', ({ of, want }) => {
    const work = () => verifyReceiptAttestation(signed(entry), entries[of] ?? null, TRUST)
    expect(codeOf(work)).toBe(want)
  })
})

describe('of a gate', () => {
  const document = { verdict: 'open', pull: { head_sha: 'c'.repeat(40) } }
  const VERDICT = utf8(canonicalize(document))
  const result = {
    verdict: VERDICT,
    head: 'c'.repeat(40),
    policy: `sha256:${sha256Hex('policy')}`,
    timeCreated: '2026-11-21T10:59:30Z',
    properties: ['COUNTERSIGN_GATE_OPEN'],
  }
  const GATE = gateStatement(result)
  test.for<Row & { readonly verdict?: object }>([
    ...ROWS,
    {
      name: 'of a verdict that was closed',
      verdict: { ...document, verdict: 'closed' },
      want: 'ATTESTATION_INVALID',
    },
    {
      name: 'of another verdict',
      verdict: { ...document, reason: 'x' },
      want: 'ATTESTATION_INVALID',
    },
    {
      name: 'for another commit than the verdict is about',
      edit: (statement) => {
        statement.subject[1] = {
          name: 'head',
          digest: { gitCommit: 'd'.repeat(40) },
        }
      },
      want: 'ATTESTATION_INVALID',
    },
    {
      name: 'without the property that says so',
      edit: (statement) => {
        predicateOf(statement).properties = ['COUNTERSIGN_COMMITS_SIGNED']
      },
      want: 'ATTESTATION_INVALID',
    },
    {
      name: 'by a policy that the trust file does not list',
      trust: { ...TRUST, policies: [`sha256:${sha256Hex('agreed')}`] },
      want: 'ATTESTATION_INVALID',
    },
    {
      name: 'by a policy that the trust file lists',
      trust: { ...TRUST, policies: [`sha256:${sha256Hex('policy')}`] },
      want: 'verified',
    },
    {
      name: 'by two policies',
      edit: (statement) => {
        const { verifier } = predicateOf(statement)
        verifier.policies = [...verifier.policies, ...verifier.policies]
      },
      want: 'ATTESTATION_INVALID',
    },
    {
      name: 'by another verifier',
      edit: (statement) => {
        predicateOf(statement).verifier.id = 'https://other.example/gate'
      },
      want: 'ATTESTATION_INVALID',
    },
    {
      name: 'made at another time',
      edit: (statement) => {
        predicateOf(statement).timeCreated = '2026-11-20T10:59:30Z'
      },
      want: 'ATTESTATION_INVALID',
    },
  ])('$name -> $want', ({ signing, edit, trust = TRUST, verdict: other, want }) => {
    const payload = edit === undefined ? GATE : edited(GATE, edit)
    const bytes = other === undefined ? VERDICT : utf8(canonicalize(other as JsonObject))
    expect(codeOf(() => verifyGateAttestation(signed(payload, signing), bytes, trust))).toBe(want)
  })
})

describe('a log with attestations', () => {
  const beside = (of: readonly Uint8Array[], signing: Signing = {}) => {
    const bytes = utf8(note(of))
    return new Map<string, Uint8Array>([
      [`checkpoints/${of.length}.checkpoint`, bytes],
      [
        `checkpoints/${of.length}.sigstore.json`,
        utf8(signed(checkpointStatement(bytes, KEY), signing)),
      ],
    ])
  }
  const receipt = (index: number, entry = entries[index], signing: Signing = {}) =>
    new Map([[`receipts/${index}.sigstore.json`, utf8(signed(entry ?? new Uint8Array(), signing))]])
  const check = (attestations: ReadonlyMap<string, Uint8Array>, trust: Trust | undefined = TRUST) =>
    verifyLog(filesOf(entries), { attestations, ...(trust === undefined ? {} : { trust }) })

  test('proves when it stood at what size, and whose resolutions others saw', () => {
    const { status, proven, not_proven } = check(
      new Map([...beside(entries.slice(0, 4)), ...receipt(4)]),
    )
    expect(status).toBe('verified')
    expect(proven).toContain(
      'the log stood at 4 receipts by 2026-11-21T11:00:00.000Z: engine@example.com of https://issuer.example attested it, and the time is an authority\u0027s',
    )
    expect(proven).toContain('1 of 1 resolutions have an attestation of their own')
    expect(not_proven).toContain(
      'that the 1 latest receipts stood there at any time: no attested checkpoint covers them',
    )
  })

  test('that were published inside it are read as well', () => {
    const files = new Map(filesOf(entries))
    for (const [path, bytes] of beside(entries)) files.set(`attestations/${path}`, bytes)
    const { status, proven } = verifyLog(files, { trust: TRUST })
    expect(status).toBe('verified')
    expect(proven.join()).toContain('the log stood at 5 receipts')
  })

  test('that are not there: it says so where attesters are pinned, and nothing where none are', () => {
    expect(check(new Map()).not_proven).toEqual(
      expect.arrayContaining([
        'when the log stood at what size: no checkpoint has an attestation',
        'that 1 resolutions were seen by others: they have no attestation',
      ]),
    )
    expect(check(new Map(), PLAIN).not_proven.join()).not.toContain('attest')
  })

  test('by anybody: it says so', () => {
    const signing = { subject: 'eve@example.com', foreign: 'certificate' } as const
    const { status, proven, not_proven } = check(beside(entries, signing), PLAIN)
    expect(status).toBe('verified')
    expect(proven.join()).not.toContain('the log stood at')
    expect(not_proven.join()).toContain('1 attestations were made by anybody you know')
  })

  const forked = [...entries.slice(0, 3), verdict('other'), hold('x')]
  const longer = [...entries, verdict('later')]
  const rows: readonly {
    name: string
    files: ReadonlyMap<string, Uint8Array>
    want: readonly string[]
  }[] = [
    {
      name: 'of a fork of the same size',
      files: beside(forked),
      want: ['LOG_FORKED attestations/checkpoints/5.checkpoint'],
    },
    {
      name: 'of another history',
      files: beside(forked.slice(0, 4)),
      want: ['LOG_REWRITTEN attestations/checkpoints/4.checkpoint'],
    },
    {
      name: 'of a log that had more',
      files: beside(longer),
      want: ['LOG_ROLLED_BACK attestations/checkpoints/6.checkpoint'],
    },
    {
      name: 'of a receipt that it lacks',
      files: receipt(7, verdict('later')),
      want: ['LOG_ROLLED_BACK attestations/receipts/7.sigstore.json'],
    },
    {
      name: 'of another receipt than stands there',
      files: receipt(3, verdict('other')),
      want: ['LOG_REWRITTEN attestations/receipts/3.sigstore.json'],
    },
    {
      name: 'of another resolution',
      files: receipt(4, resolution('x', 2)),
      want: ['LOG_REWRITTEN attestations/receipts/4.sigstore.json'],
    },
    {
      name: 'by somebody else',
      files: beside(entries, { subject: 'eve@example.com' }),
      want: ['IDENTITY_NOT_PINNED attestations/checkpoints/5.sigstore.json'],
    },
    {
      name: 'without a time stamp',
      files: receipt(4, entries[4], { without: 'stamp' }),
      want: ['SIGSTORE_UNTRUSTED attestations/receipts/4.sigstore.json'],
    },
    {
      name: 'under a name that is none',
      files: new Map([['receipts/07.sigstore.json', utf8('{}')]]),
      want: ['ATTESTATION_INVALID attestations/receipts/07.sigstore.json'],
    },
    {
      name: 'that are no bundle',
      files: new Map([['receipts/4.sigstore.json', utf8('{}')]]),
      want: ['SIGSTORE_MALFORMED attestations/receipts/4.sigstore.json'],
    },
    {
      name: 'without the checkpoint',
      files: new Map([...beside(entries)].slice(1)),
      want: ['ATTESTATION_INVALID attestations/checkpoints/5.sigstore.json'],
    },
    {
      name: 'under the name of another size',
      files: new Map([...beside(entries)].map(([path, bytes]) => [path.replace('5', '4'), bytes])),
      want: ['ATTESTATION_INVALID attestations/checkpoints/4.sigstore.json'],
    },
  ]
  test.for(rows)('$name -> refused, and the file is named', ({ files, want }) => {
    const { status, problems } = check(files)
    expect(status).toBe('refused')
    expect(problems.map(({ code, file }) => `${code} ${file}`)).toEqual(want)
  })

  test.for([
    { name: 'by its issuer alone', attester: { issuer: ISSUER } },
    { name: 'by its subject alone', attester: { subject: ATTESTER.subject } },
    { name: 'with an empty subject', attester: { issuer: ISSUER, subject: '' } },
  ])('an attester $name in the trust file -> TRUST_INVALID', ({ attester }) => {
    const sigstore = { trusted_root: FAKE.root, attesters: [attester] }
    expect(codeOf(() => parseTrust(JSON.stringify({ ...PLAIN, sigstore })))).toBe('TRUST_INVALID')
  })

  test('one attester twice in the trust file -> TRUST_INVALID', () => {
    const sigstore = { trusted_root: FAKE.root, attesters: [ATTESTER, ATTESTER] }
    expect(codeOf(() => parseTrust(JSON.stringify({ ...PLAIN, sigstore })))).toBe('TRUST_INVALID')
    const once = { trusted_root: FAKE.root, attesters: [ATTESTER] }
    expect(codeOf(() => parseTrust(JSON.stringify({ ...PLAIN, sigstore: once })))).toBe('verified')
  })
})
