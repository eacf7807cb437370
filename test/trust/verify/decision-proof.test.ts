import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { reviewRequest } from '../../../src/app/approvals/review.ts'
import { checkProofFile, proveDecision } from '../../../src/app/receipts/decision-proof.ts'
import { proveReceipt } from '../../../src/app/receipts/receipt-proofs.ts'
import { decodeBase64url, encodeBase64url } from '../../../src/base/encoding.ts'
import { openTokenSigners } from '../../../src/host/grant-key.ts'
import type { Jwks } from '../../../src/model/ports.ts'
import {
  checkDecisionProof,
  verifyDecisionProof,
} from '../../../src/trust/verify/decision-proof.ts'
import { openGrant } from '../../../src/trust/verify/grant.ts'
import { bundleOf, openTest, signerOf, temporaryFolder } from '../../app/support.ts'

// Proofs of a real engine's decisions, and what must not pass for one.

const NOW = Date.parse('2026-03-01T10:00:00Z')
const PROJECT = `apiVersion: countersign/v1\nkind: Project\nproject: shop\ndefaults: { low: allow, medium: allow, high: hold, critical: deny }\ngrants: { lifetime: 60s }\n`
const bundle = await bundleOf({ 'countersign.yaml': PROJECT })
const mail = {
  agent: 'clerk',
  service: 'shop',
  action: 'mail',
  payload: { text: 'a word of no other', to: 'u-1' },
}
const code = (text: string) => expect.objectContaining({ code: text })

async function made(options: { show?: readonly string[]; lifetimeMs?: number } = {}) {
  const opened = await openTest({ bundle, clock: () => NOW })
  const { engine } = opened
  const outcome = await engine.decide(mail)
  const proof = await engine.proveDecision(outcome.decision, { audience: 'bank', ...options })
  return { ...opened, outcome, proof, jwks: engine.jwks() }
}

const check = (proof: string, jwks: Jwks, more: object = {}) =>
  verifyDecisionProof(proof, { jwks, audience: 'bank', now: NOW, ...more })

describe('a proof', () => {
  test('says what was decided and where the receipt stands, to one audience, again and again', async () => {
    const { proof, jwks, outcome, parts, folder } = await made()
    const { claims, shown } = check(proof, jwks)
    expect(check(proof, jwks).claims).toEqual(claims)
    expect(shown).toBeNull()
    expect(claims).toMatchObject({
      ...{ iss: parts.signer.origin, sub: 'clerk', aud: 'bank', id: outcome.decision },
      ...{ decision: 'allow', root: outcome.root, policy: outcome.policy },
      ...{ index: outcome.receipt.index, leaf_hash: outcome.receipt.leaf_hash },
      ...{ iat: NOW / 1000, exp: NOW / 1000 + 3600, size: 2 },
    })
    expect(JSON.stringify(claims)).not.toContain('u-1')
    const receipt = await proveReceipt(parts.store, join(folder, 'log'), outcome.decision)
    const pinned = parts.signer.verifierKey
    checkDecisionProof(claims, { ...receipt, pinned })
    for (const other of [
      { decision: 'deny' },
      { index: 9 },
      { root: `sha256:${'0'.repeat(64)}` },
      { log_root: 'A'.repeat(43) },
    ]) {
      const forged = () =>
        checkDecisionProof({ ...claims, ...other } as typeof claims, { ...receipt, pinned })
      expect(forged).toThrow(code('DECISION_PROOF_UNBOUND'))
    }
  })

  test('of a tool with a full stop in its name is of that tool alone', async () => {
    const { engine, parts, folder, jwks } = await made()
    const { decision } = await engine.decide({ ...mail, action: 'mail.all' })
    const proof = await engine.proveDecision(decision, { audience: 'bank' })
    const { claims } = check(proof, jwks)
    const receipt = await proveReceipt(parts.store, join(folder, 'log'), decision)
    const given = { ...receipt, pinned: parts.signer.verifierKey }
    checkDecisionProof(claims, given)
    const forged = { ...claims, service: 'shop.mail', action: 'all' }
    expect(() => checkDecisionProof(forged, given)).toThrow(code('DECISION_PROOF_UNBOUND'))
  })

  test('is not refused for a receipt that cannot be read', async () => {
    const { proof, jwks, parts, folder } = await made()
    const trust = join(folder, 'trust.yaml')
    const { origin, verifierKey } = parts.signer
    writeFileSync(
      trust,
      `apiVersion: countersign/v1\nkind: Trust\nlogs: [{ origin: '${origin}', keys: ['${verifierKey}'] }]\n`,
    )
    const given = { token: proof, jwks: JSON.stringify(jwks), audience: 'bank', now: NOW }
    expect(checkProofFile(given).status).toBe('verified')
    const receipt = join(folder, 'none.json')
    const checked = () => checkProofFile({ ...given, receipt, trust })
    expect(checked).toThrow(code('FILE_UNREADABLE'))
  })

  test('shows the fields that were asked for, and no others', async () => {
    const { proof, jwks } = await made({ show: ['payload.to'] })
    expect(check(proof, jwks).shown).toMatchObject({ agent: 'clerk', payload: { to: 'u-1' } })
    expect(JSON.stringify(check(proof, jwks))).not.toContain('a word of no other')
    await expect(made({ show: ['payload.none'] })).rejects.toThrow(code('FIELD_UNKNOWN'))
  })

  test('of a request that people ended, by its id', async () => {
    const { engine, parts } = await openTest({ bundle, clock: () => NOW })
    const { request } = await engine.defer({ ...mail, action: 'refund', payload: { amount: 50 } })
    const patch = { verdict: 'patch', payload: { amount: 20 } } as const
    await reviewRequest(parts, String(request), patch, await signerOf('ana'))
    const proof = await engine.proveDecision(String(request), {
      audience: 'bank',
      show: ['payload.amount'],
    })
    const { claims, shown } = check(proof, engine.jwks())
    expect(claims).toMatchObject({ id: request, request, decision: 'APPROVED_WITH_MODIFICATIONS' })
    expect(claims.patched_root).not.toBe(claims.root)
    expect(shown).toMatchObject({ payload: { amount: 20 } })
  })

  test('is not made of what is no decision, nor of other agents', async () => {
    const { parts, outcome } = await made()
    const options = { audience: 'bank' }
    await expect(proveDecision(parts, '0', options)).rejects.toThrow(code('RECEIPT_UNKNOWN'))
    const credential = { ...parts.credential, agents: ['other'] }
    const theirs = proveDecision({ ...parts, credential }, outcome.decision, options)
    await expect(theirs).rejects.toThrow(code('RECEIPT_UNKNOWN'))
    for (const lifetimeMs of [0, Number.NaN, 31 * 86_400_000]) {
      await expect(made({ lifetimeMs })).rejects.toThrow(code('USAGE_INVALID'))
    }
  })
})

describe('what is refused', () => {
  const stranger = generateKeyPairSync('ed25519').privateKey
  type Forge = (parts: { header: Record<string, unknown>; claims: Record<string, unknown> }) => void

  /** The same proof said otherwise, signed by the engine's own key. */
  async function forged(
    edit: Forge,
    key?: ReturnType<typeof createPrivateKey>,
    write: (value: object) => string = JSON.stringify,
  ) {
    const { proof, jwks, folder } = await made()
    const { readFileSync } = await import('node:fs')
    const own = createPrivateKey(readFileSync(join(folder, 'proof_key.pem')))
    const [header = '', claims = ''] = proof.split('.')
    const read = (part: string) => JSON.parse(Buffer.from(decodeBase64url(part)).toString())
    const said = { header: read(header), claims: read(claims) }
    edit(said)
    const text = [said.header, said.claims]
      .map((part) => encodeBase64url(Buffer.from(write(part))))
      .join('.')
    const signature = sign(null, Buffer.from(text), key ?? own)
    return { proof: `${text}.${encodeBase64url(signature)}`, jwks }
  }

  test.for<{ name: string; edit: Forge; want: string }>([
    {
      name: 'alg none',
      edit: ({ header }) => Object.assign(header, { alg: 'none' }),
      want: 'DECISION_PROOF_MALFORMED',
    },
    {
      name: 'alg HS256',
      edit: ({ header }) => Object.assign(header, { alg: 'HS256' }),
      want: 'DECISION_PROOF_MALFORMED',
    },
    {
      name: 'the type of a grant',
      edit: ({ header }) => Object.assign(header, { typ: 'countersign-grant+jwt' }),
      want: 'DECISION_PROOF_MALFORMED',
    },
    {
      name: 'no type',
      edit: ({ header }) => void delete header['typ'],
      want: 'DECISION_PROOF_MALFORMED',
    },
    {
      name: 'a key of its own',
      edit: ({ header }) => Object.assign(header, { jku: 'https://x.test' }),
      want: 'DECISION_PROOF_MALFORMED',
    },
    {
      name: 'an unknown key',
      edit: ({ header }) => Object.assign(header, { kid: 'A'.repeat(43) }),
      want: 'DECISION_PROOF_UNTRUSTED',
    },
    {
      name: 'another audience',
      edit: ({ claims }) => Object.assign(claims, { aud: 'other' }),
      want: 'DECISION_PROOF_UNBOUND',
    },
    {
      name: 'an end in the past',
      edit: ({ claims }) => Object.assign(claims, { iat: 1, nbf: 1, exp: 2 }),
      want: 'DECISION_PROOF_EXPIRED',
    },
    {
      name: 'a beginning to come',
      edit: ({ claims }) => Object.assign(claims, { nbf: NOW / 1000 + 60 }),
      want: 'DECISION_PROOF_NOT_YET_VALID',
    },
    {
      name: 'an end too far',
      edit: ({ claims }) => Object.assign(claims, { exp: NOW / 1000 + 31 * 86_400 }),
      want: 'DECISION_PROOF_EXPIRED',
    },
    {
      name: 'a claim more',
      edit: ({ claims }) => Object.assign(claims, { scope: '*' }),
      want: 'DECISION_PROOF_MALFORMED',
    },
    {
      name: 'a claim less',
      edit: ({ claims }) => void delete claims['root'],
      want: 'DECISION_PROOF_MALFORMED',
    },
    {
      name: 'fields of another action',
      edit: ({ claims }) =>
        Object.assign(claims, {
          shown: {
            remains: { _sd_alg: 'sha-256' },
            disclosures: [{ pointer: '/payload', disclosure: 'AA' }],
          },
        }),
      want: 'DECISION_PROOF_UNBOUND',
    },
  ])('$name -> $want', async ({ edit, want }) => {
    const { proof, jwks } = await forged(edit)
    expect(() => check(proof, jwks)).toThrow(code(want))
  })

  test('one that is altered, cut, or signed by a stranger', async () => {
    const { proof, jwks } = await made()
    const [header, , signature] = proof.split('.')
    const other = await made({ lifetimeMs: 60_000 })
    expect(() => check(`${header}.${other.proof.split('.')[1]}.${signature}`, jwks)).toThrow(
      code('SIGNATURE_WRONG'),
    )
    expect(() => check(proof.slice(0, proof.lastIndexOf('.')), jwks)).toThrow(
      code('DECISION_PROOF_MALFORMED'),
    )
    expect(() => check(other.proof, jwks)).toThrow(code('DECISION_PROOF_UNTRUSTED'))
    const strange = await forged(() => undefined, stranger)
    expect(() => check(strange.proof, strange.jwks)).toThrow(code('SIGNATURE_WRONG'))
    expect(() => check('x'.repeat(100_000), jwks)).toThrow(code('DECISION_PROOF_MALFORMED'))
  })

  test.for<{ name: string; write: (value: object) => string }>([
    {
      name: 'a critical header',
      write: (value) =>
        JSON.stringify('alg' in value ? { ...value, crit: ['b64'], b64: false } : value),
    },
    {
      name: 'one algorithm twice',
      write: (value) => JSON.stringify(value).replace('{"alg"', '{"alg":"none","alg"'),
    },
    {
      name: 'one audience twice',
      write: (value) => JSON.stringify(value).replace('"aud":', '"aud":"other","aud":'),
    },
    {
      name: 'an algorithm by way of the prototype',
      write: (value) =>
        JSON.stringify(value).replace('{"alg":"EdDSA"', '{"__proto__":{"alg":"EdDSA"}'),
    },
  ])('$name -> DECISION_PROOF_MALFORMED', async ({ write }) => {
    const { proof, jwks } = await forged(() => undefined, undefined, write)
    expect(() => check(proof, jwks)).toThrow(code('DECISION_PROOF_MALFORMED'))
  })

  test('a grant as a proof, and a proof as a grant', async () => {
    const { proof, jwks, outcome } = await made()
    expect(() => check(outcome.grant ?? '', jwks)).toThrow(code('DECISION_PROOF_MALFORMED'))
    expect(() => openGrant(proof, jwks)).toThrow(code('GRANT_MALFORMED'))
  })

  test('at another audience, and after its end', async () => {
    const { proof, jwks } = await made()
    expect(() => check(proof, jwks, { audience: 'shop' })).toThrow(code('DECISION_PROOF_UNBOUND'))
    expect(() => check(proof, jwks, { now: NOW + 3_600_000 + 5_000 })).toThrow(
      code('DECISION_PROOF_EXPIRED'),
    )
    check(proof, jwks, { now: NOW + 3_600_000 })
  })
})

test('the keys of grants and of proofs are two, in one document', async () => {
  const folder = temporaryFolder()
  const files = { grantKey: join(folder, 'g.pem'), proofKey: join(folder, 'p.pem') }
  const { grants, proofs } = await openTokenSigners(files)
  expect(grants.jwks.keys.map(({ kid }) => kid)).toEqual([grants.kid, proofs.kid])
  expect(grants.kid).not.toBe(proofs.kid)
})
