import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { attestGate, type OpenGate } from '../../../src/app/receipts/attest-gate.ts'
import type { Trust } from '../../../src/model/generated/types.ts'
import type { ChangeReport } from '../../../src/model/policy-change.ts'
import { verifyGateAttestation } from '../../../src/trust/verify/attestation.ts'
import { bundleOf, temporaryFolder } from '../support.ts'
import { ENGINE, FAKE, projectOf, START, signer } from './attest-case.ts'

const HEAD = 'a'.repeat(40)
const bundle = await bundleOf(projectOf('{}'))
const TRUST: Trust = {
  ...{ apiVersion: 'countersign/v1', kind: 'Trust', logs: [] },
  sigstore: { trusted_root: { ...FAKE.root }, attesters: [ENGINE] },
}

type Parts = Pick<ChangeReport, 'weakenings' | 'routes' | 'commits' | 'policy'>

const change = (changes: Partial<Parts> = {}): ChangeReport =>
  ({
    ...{ weakenings: [], routes: [], policy: { before: bundle.digest, after: bundle.digest } },
    commits: { required: 'none', count: 1, signers: [] },
    ...changes,
  }) as unknown as ChangeReport

const gate = (document: object, changes: readonly ChangeReport[]): OpenGate => ({
  ...{ document, head: HEAD, policy: bundle.policy, digest: bundle.digest, changes },
})

const options = (folder: string, given = signer()) => ({
  ...{ folder, environment: {}, clock: () => START, signer: given.keyless },
})

const route = { id: 'security', quorum: 1, reviewers: [], signature: 'signed', missing: 0 }
const weakening = { kind: 'rules', part: 'rule', id: 'r', direction: 'weaker' } as never

test.for([
  {
    name: 'nothing is weakened',
    changes: [change()],
    want: ['GATE_OPEN', 'NOTHING_WEAKENED', 'POLICY_COMPILES'],
  },
  {
    name: 'people approved what is weakened',
    changes: [change({ weakenings: [weakening], routes: [route] })],
    want: ['GATE_OPEN', 'POLICY_COMPILES', 'ROUTES_SATISFIED'],
  },
  {
    name: 'commits are signed as the base asks',
    changes: [change({ commits: { required: 'all' as never, count: 1, signers: [] } })],
    want: ['COMMITS_SIGNED', 'GATE_OPEN', 'NOTHING_WEAKENED', 'POLICY_COMPILES'],
  },
  {
    name: 'one of two weakens',
    changes: [change(), change({ weakenings: [weakening], routes: [route] })],
    want: ['GATE_OPEN', 'POLICY_COMPILES', 'ROUTES_SATISFIED'],
  },
])('$name -> these properties and no others', async ({ changes, want }) => {
  const folder = join(temporaryFolder(), 'verdict')
  const document = { verdict: 'open', pull: { head_sha: HEAD }, left_out: undefined }
  const { files, identity } = await attestGate(gate(document, changes), options(folder))
  expect(identity).toEqual(ENGINE)
  const [verdict, attestation] = files.map((file) => readFileSync(file))
  const found = verifyGateAttestation(String(attestation), verdict ?? Buffer.alloc(0), TRUST)
  expect(found).toMatchObject({
    head: HEAD,
    policy: bundle.digest,
    identity: ENGINE,
    times: [START],
  })
  expect(found.properties).toEqual(want.map((name) => `COUNTERSIGN_${name}`))
})

test('of a merge group: the head is that of the queue', async () => {
  const folder = join(temporaryFolder(), 'verdict')
  const { files } = await attestGate(
    gate({ verdict: 'open', head: HEAD, changes: [] }, [change()]),
    options(folder),
  )
  const [verdict, attestation] = files.map((file) => readFileSync(file))
  expect(verifyGateAttestation(String(attestation), verdict ?? Buffer.alloc(0), TRUST).head).toBe(
    HEAD,
  )
})

test.for([
  { name: 'a service that is down', down: true, want: 'SIGSTORE_UNREACHABLE' },
  { name: 'a service that refuses', down: 'SIGSTORE_REFUSED', want: 'SIGSTORE_REFUSED' },
])('$name -> $want, and no file', async ({ down, want }) => {
  const folder = join(temporaryFolder(), 'verdict')
  const services = signer()
  services.down = down
  const attesting = attestGate(gate({ verdict: 'open' }, [change()]), options(folder, services))
  await expect(attesting).rejects.toMatchObject({ code: want })
  expect(existsSync(folder)).toBe(false)
  rmSync(folder, { recursive: true, force: true })
})

test('of other bytes than were to be signed -> SIGNATURE_WRONG, and no file', async () => {
  const folder = join(temporaryFolder(), 'verdict')
  const { keyless } = signer()
  const other = new TextEncoder().encode('{}')
  const lying = { ...options(folder), signer: { ...keyless, sign: () => keyless.sign(other) } }
  const open = gate({ verdict: 'open', pull: { head_sha: HEAD } }, [change()])
  await expect(attestGate(open, lying)).rejects.toMatchObject({ code: 'SIGNATURE_WRONG' })
  expect(existsSync(folder)).toBe(false)
})

test('a signature by another authority, and no services -> refused, and no file', async () => {
  const folder = join(temporaryFolder(), 'verdict')
  const foreign = options(folder, signer({ foreign: 'certificate' }))
  const open = gate({ verdict: 'open', pull: { head_sha: HEAD } }, [change()])
  await expect(attestGate(open, foreign)).rejects.toMatchObject({ code: 'SIGSTORE_UNTRUSTED' })
  const { sigstore: _, ...without } = bundle.policy
  const bare = attestGate({ ...open, policy: without }, options(folder))
  await expect(bare).rejects.toMatchObject({ code: 'SIGSTORE_UNCONFIGURED' })
  expect(existsSync(folder)).toBe(false)
})
