import { expect, test } from 'vitest'
import { utf8 } from '../../../src/base/digest.ts'
import { decodeBase64 } from '../../../src/base/encoding.ts'
import { PolicyError } from '../../../src/base/errors.ts'
import {
  formatVerifierKey,
  parseCheckpoint,
  parseVerifierKey,
  signCheckpoint,
} from '../../../src/trust/receipt/checkpoint.ts'
import { createTree, hashLeaf, inclusionProof } from '../../../src/trust/receipt/merkle.ts'
import { checkProof, formatProof, parseProof } from '../../../src/trust/receipt/proof.ts'
import { verifyCheckpoint } from '../../../src/trust/verify/note.ts'
import { verifyReceipt } from '../../../src/trust/verify/receipt.ts'
import { logSigner, ORIGIN, smallLog, trustOf } from '../verify/log-case.ts'

const entries = smallLog()
const tree = createTree()
for (const entry of entries) tree.append(hashLeaf(entry))
const signer = logSigner()
const note = signCheckpoint({ origin: ORIGIN, size: entries.length, root: tree.root() }, signer)
const [origin, size, root, , line] = note.split('\n') as [string, string, string, string, string]

// https://pkg.go.dev/golang.org/x/mod/sumdb/note, example of NewVerifier: PeterNeumann's key and note.
const PUBLISHED_KEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'

test('the published verifier key is read, and written the same', () => {
  const key = parseVerifierKey(PUBLISHED_KEY)
  expect(key.name).toBe('PeterNeumann')
  expect(formatVerifierKey(key.name, key.publicKey)).toBe(PUBLISHED_KEY)
})

test('the published note verifies under the published key', () => {
  const signed = utf8(
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
  )
  const bytes = decodeBase64(
    'x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=',
  )
  const signature = { name: 'PeterNeumann', keyHash: bytes.slice(0, 4), signature: bytes.slice(4) }
  const checkpoint = { origin: '', size: 0, root, signed, signatures: [signature] }
  const key = parseVerifierKey(PUBLISHED_KEY)
  expect(verifyCheckpoint(checkpoint as never, [key])).toBe(key)
  expect(() => verifyCheckpoint({ ...checkpoint, signed: utf8('x') } as never, [key])).toThrow(
    expect.objectContaining({ code: 'SIGNATURE_WRONG' }),
  )
})

test.for([
  'PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  'PeterNeumanm+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TX',
  'PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  'PeterNeumann+c74f20a3+AhpcY',
  '+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  'PeterNeumann',
  '',
])('%j is no verifier key', (text) => {
  expect(() => parseVerifierKey(text)).toThrow(
    expect.objectContaining({ code: 'CHECKPOINT_INVALID' }),
  )
})

test('a signed checkpoint is read back and its signature holds', () => {
  const parsed = parseCheckpoint(note)
  expect(parsed).toMatchObject({ origin: ORIGIN, size: 5, root: tree.root() })
  expect(verifyCheckpoint(parsed, [parseVerifierKey(signer.verifierKey)]).name).toBe(ORIGIN)
  expect(parseCheckpoint(utf8(note))).toEqual(parsed)
})

test.for([
  { name: 'nothing', text: '' },
  { name: 'no last newline', text: note.slice(0, -1) },
  { name: 'two last newlines', text: `${note}\n` },
  { name: 'carriage returns', text: note.replaceAll('\n', '\r\n') },
  { name: 'no signature', text: `${origin}\n${size}\n${root}\n\n` },
  { name: 'an extension line', text: `${origin}\n${size}\n${root}\nmore\n\n${line}\n` },
  { name: 'an empty origin', text: `\n${size}\n${root}\n\n${line}\n` },
  { name: 'an origin with a space', text: `a b\n${size}\n${root}\n\n${line}\n` },
  { name: 'a size with a leading zero', text: `${origin}\n05\n${root}\n\n${line}\n` },
  { name: 'a negative size', text: `${origin}\n-5\n${root}\n\n${line}\n` },
  { name: 'a size beyond 2^53', text: `${origin}\n9007199254740993\n${root}\n\n${line}\n` },
  { name: 'a size in hexadecimal', text: `${origin}\n0x5\n${root}\n\n${line}\n` },
  { name: 'a short root', text: `${origin}\n${size}\n${root.slice(4)}\n\n${line}\n` },
  {
    name: 'a root without padding',
    text: `${origin}\n${size}\n${root.replace('=', '')}\n\n${line}\n`,
  },
  { name: 'a hyphen for the dash', text: note.replace('\u2014', '-') },
  { name: 'a signature line with more', text: `${origin}\n${size}\n${root}\n\n${line} x\n` },
  {
    name: 'a signature that is only a key hash',
    text: `${origin}\n${size}\n${root}\n\n\u2014 a AAAAAA==\n`,
  },
  {
    name: 'seventeen signatures',
    text: `${origin}\n${size}\n${root}\n\n${`${line}\n`.repeat(17)}`,
  },
])('a checkpoint with $name is refused', ({ text }) => {
  expect(() => parseCheckpoint(text)).toThrow(
    expect.objectContaining({ code: 'CHECKPOINT_INVALID' }),
  )
})

test('a signer of another log signs no checkpoint of this one', () => {
  const checkpoint = { origin: ORIGIN, size: 5, root: tree.root() }
  expect(() => signCheckpoint(checkpoint, logSigner(1, 'b.test'))).toThrow('same origin')
  expect(() => signCheckpoint(checkpoint, { ...logSigner(1, 'b.test'), origin: ORIGIN })).toThrow(
    'named after',
  )
})

const proof = formatProof({ index: 3, hashes: inclusionProof(3, 5, tree.node), checkpoint: note })

test('a proof is read back, and its receipt verified', () => {
  expect(parseProof(proof)).toMatchObject({ index: 3, checkpoint: note })
  expect(formatProof(parseProof(proof))).toBe(proof)
  const found = verifyReceipt(entries[3]!, proof, trustOf())
  expect(found).toMatchObject({ origin: ORIGIN, index: 3, size: 5 })
  expect(verifyReceipt(entries[3]!, proof, signer.verifierKey)).toEqual(found)
})

test.for([
  { name: 'another receipt', entry: entries[1]!, text: proof, code: 'PROOF_INVALID' },
  {
    name: 'another index',
    entry: entries[3]!,
    text: proof.replace('index 3', 'index 2'),
    code: 'PROOF_INVALID',
  },
  {
    name: 'a leading zero',
    entry: entries[3]!,
    text: proof.replace('index 3', 'index 03'),
    code: 'PROOF_INVALID',
  },
  { name: 'no header', entry: entries[3]!, text: proof.slice(1), code: 'PROOF_INVALID' },
  {
    name: 'an extra line',
    entry: entries[3]!,
    text: proof.replace('index', 'extra AA==\nindex'),
    code: 'PROOF_INVALID',
  },
  {
    name: 'no blank line',
    entry: entries[3]!,
    text: proof.replace('\n\n', '\n'),
    code: 'PROOF_INVALID',
  },
  {
    name: 'a signature by nobody known',
    entry: entries[3]!,
    text: proof,
    code: 'CHECKPOINT_UNTRUSTED',
    key: logSigner(9).verifierKey,
  },
  {
    name: 'a key of another log',
    entry: entries[3]!,
    text: proof,
    code: 'CHECKPOINT_UNTRUSTED',
    key: logSigner(1, 'b.test').verifierKey,
  },
])('a proof with $name is refused with $code', ({ entry, text, code, key }) => {
  expect(() => verifyReceipt(entry, text, key ?? trustOf())).toThrow(
    expect.objectContaining({ code }),
  )
})

test('a proof with any character changed does not verify', () => {
  for (let at = 0; at < proof.length; at++) {
    const other = proof[at] === 'A' ? 'B' : 'A'
    const text = proof.slice(0, at) + other + proof.slice(at + 1)
    expect(() => verifyReceipt(entries[3]!, text, trustOf()), `character ${at}`).toThrow(
      PolicyError,
    )
  }
  expect(() => checkProof(proof, entries[3]!)).not.toThrow()
})
