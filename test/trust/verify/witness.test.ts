import { describe, expect, test } from 'vitest'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import { utf8 } from '../../../src/base/digest.ts'
import type { Trust } from '../../../src/model/generated/types.ts'
import { parseWitnessKey } from '../../../src/trust/receipt/checkpoint.ts'
import { createTree, hashLeaf, inclusionProof } from '../../../src/trust/receipt/merkle.ts'
import { formatProof } from '../../../src/trust/receipt/proof.ts'
import { verifyLog } from '../../../src/trust/verify/log.ts'
import { verifyReceipt } from '../../../src/trust/verify/receipt.ts'
import { parseTrust } from '../../../src/trust/verify/trust.ts'
import { filesOf, logSigner, note, smallLog, trustOf } from './log-case.ts'
import { WITNESSED_AT, witnessOf } from './witness-case.ts'

const [ann, bob, stranger] = [witnessOf(11), witnessOf(12), witnessOf(13)] as const
const entries = smallLog()
const own = note(entries)

function trustNeeding(need: number): Trust {
  return trustOf({ witnesses: { keys: [ann.verifierKey, bob.verifierKey], need } })
}

function verify(checkpoint: string, need = 1, since?: string) {
  const files = new Map([...filesOf(entries), ['checkpoint', utf8(checkpoint)]] as const)
  return verifyLog(files, {
    trust: trustNeeding(need),
    ...(since === undefined ? {} : { since }),
  })
}

describe('a checkpoint that listed witnesses have signed', () => {
  test('is verified, and the report says who saw it and when', () => {
    const report = verify(own + ann.line(own) + bob.line(own, WITNESSED_AT + 60n), 2)
    expect(report).toMatchObject({
      status: 'verified',
      witnesses: [
        { witness: 'witness11.example', at: '2026-11-21T10:00:00.000Z' },
        { witness: 'witness12.example', at: '2026-11-21T10:01:00.000Z' },
      ],
    })
    expect(report.proven.join('\n')).toContain('witness11.example saw this checkpoint')
    expect(report.not_proven.join('\n')).not.toContain('no witness')
  })

  test('counts wherever the lines stand, and with none needed', () => {
    const [text, line] = own.split('\n\n') as [string, string]
    expect(verify(`${text}\n\n${ann.line(own)}${line}`).status).toBe('verified')
    expect(verify(own + ann.line(own), 0).witnesses).toHaveLength(1)
    expect(verify(own, 0).not_proven.join('\n')).toContain('no witness has signed')
  })

  test('serves as the earlier one too', () => {
    const since = note(entries.slice(0, 3))
    expect(verify(own + ann.line(own), 1, since + bob.line(since)).status).toBe('verified')
    const forged = since + bob.line(own)
    expect(verify(own + ann.line(own), 1, forged).problems).toMatchObject([
      { code: 'SIGNATURE_WRONG', file: 'since' },
    ])
  })

  test('covers a receipt with its proof', () => {
    const tree = createTree()
    for (const entry of entries) tree.append(hashLeaf(entry))
    const hashes = inclusionProof(1, entries.length, tree.node)
    const proof = formatProof({ index: 1, hashes, checkpoint: own + ann.line(own) })
    const verified = verifyReceipt(entries[1]!, proof, trustNeeding(1))
    expect(verified.cosignatures).toMatchObject([{ witness: { name: ann.name } }])
    const code = (trust: Trust | string) => () => verifyReceipt(entries[1]!, proof, trust)
    expect(code(trustNeeding(2))).toThrow(
      expect.objectContaining({ code: 'CHECKPOINT_UNWITNESSED' }),
    )
    for (const trust of [trustOf(), logSigner().verifierKey]) {
      expect(code(trust)).toThrow(expect.objectContaining({ code: 'CHECKPOINT_UNTRUSTED' }))
    }
  })
})

const base64Of = (line: string) => Buffer.from(line.split(' ')[2]!, 'base64')
const lineOf = (name: string, bytes: Uint8Array) =>
  `\u2014 ${name} ${Buffer.from(bytes).toString('base64')}\n`

/** A line whose byte `at` is another. */
function flipped(line: string, at: number): string {
  const bytes = base64Of(line)
  bytes[at]! ^= 1
  return lineOf(line.split(' ')[1]!, bytes)
}

const other = note([...entries.slice(0, 4)])

test.for([
  { name: 'nobody, one needed', lines: '', code: 'CHECKPOINT_UNWITNESSED' },
  { name: 'one, two needed', lines: ann.line(own), need: 2, code: 'CHECKPOINT_UNWITNESSED' },
  { name: 'one twice', lines: ann.line(own).repeat(2), code: 'CHECKPOINT_UNTRUSTED' },
  {
    name: 'one twice, at two times',
    lines: ann.line(own) + ann.line(own, 5n),
    code: 'CHECKPOINT_UNTRUSTED',
  },
  { name: 'somebody unlisted', lines: stranger.line(own), code: 'CHECKPOINT_UNTRUSTED' },
  {
    name: 'somebody unlisted beside enough others',
    lines: ann.line(own) + stranger.line(own),
    code: 'CHECKPOINT_UNTRUSTED',
  },
  { name: 'a namesake', lines: witnessOf(13, ann.name).line(own), code: 'CHECKPOINT_UNTRUSTED' },
  { name: 'one for another checkpoint', lines: ann.line(other), code: 'SIGNATURE_WRONG' },
  { name: 'one, the time altered', lines: flipped(ann.line(own), 11), code: 'SIGNATURE_WRONG' },
  { name: 'one, a byte altered', lines: flipped(ann.line(own), 40), code: 'SIGNATURE_WRONG' },
  {
    name: 'one, the key hash altered',
    lines: flipped(ann.line(own), 0),
    code: 'CHECKPOINT_UNTRUSTED',
  },
  {
    name: 'one, cut short',
    lines: lineOf(ann.name, base64Of(ann.line(own)).subarray(0, -1)),
    code: 'SIGNATURE_WRONG',
  },
  {
    name: 'one, a byte longer',
    lines: lineOf(ann.name, Buffer.concat([base64Of(ann.line(own)), Buffer.of(0)])),
    code: 'SIGNATURE_WRONG',
  },
  { name: 'one at no time', lines: ann.line(own, 0n), code: 'SIGNATURE_WRONG' },
  {
    name: 'one after the year 9999',
    lines: ann.line(own, 253_402_300_800n),
    code: 'SIGNATURE_WRONG',
  },
  {
    name: 'one with a trailing space',
    lines: ann.line(own).replace('\n', ' \n'),
    code: 'CHECKPOINT_INVALID',
  },
])('a checkpoint signed by $name is refused with $code', ({ lines, need = 1, code }) => {
  expect(verify(own + lines, need)).toMatchObject({ status: 'refused', problems: [{ code }] })
})

test('witnesses alone are no log: without the signature of its key a checkpoint is refused', () => {
  const bare = `${own.split('\n\n')[0]}\n\n`
  expect(verify(bare + ann.line(own)).problems).toMatchObject([{ code: 'CHECKPOINT_UNTRUSTED' }])
})

test('without a trust file nobody knows a witness, so its line is refused', () => {
  const files = new Map([...filesOf(entries), ['checkpoint', utf8(own + ann.line(own))]] as const)
  expect(verifyLog(files).problems).toMatchObject([{ code: 'CHECKPOINT_UNTRUSTED' }])
})

const logKeyAsWitness = witnessOf(1, 'own.example').verifierKey
test.for([
  { name: 'a log key in their place', keys: [logSigner().verifierKey], need: 1 },
  { name: "the log's own key under another name", keys: [logKeyAsWitness], need: 1 },
  {
    name: 'one key under two names',
    keys: [ann.verifierKey, witnessOf(11, 'a').verifierKey],
    need: 1,
  },
  {
    name: 'two keys under one name',
    keys: [ann.verifierKey, witnessOf(14, ann.name).verifierKey],
    need: 1,
  },
  { name: 'more needed than there are', keys: [ann.verifierKey], need: 2 },
  { name: 'fewer than none needed', keys: [ann.verifierKey], need: -1 },
  { name: 'a flipped base64 digit', keys: [ann.verifierKey.replace(/.$/, '=')], need: 1 },
  { name: 'none', keys: [], need: 0 },
])('a trust file is refused that has witnesses with $name', ({ keys, need }) => {
  const text = canonicalize(trustOf({ witnesses: { keys, need } }) as never)
  expect(() => parseTrust(text)).toThrow(expect.objectContaining({ code: 'TRUST_INVALID' }))
})

test('a trust file with witnesses is read', () => {
  expect(parseTrust(canonicalize(trustNeeding(2) as never)).witnesses?.need).toBe(2)
  expect(parseWitnessKey(ann.verifierKey).name).toBe(ann.name)
})
