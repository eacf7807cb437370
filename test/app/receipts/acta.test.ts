import { generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { exportActa, importActa } from '../../../src/app/receipts/acta.ts'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import { sha256Hex } from '../../../src/base/digest.ts'
import { decodeHex } from '../../../src/base/encoding.ts'
import type { JsonObject } from '../../../src/base/json-value.ts'
import type { Action } from '../../../src/model/generated/types.ts'
import { parseSession } from '../../../src/policy/analyse/recorded-session.ts'
import { checkActaChain, verifyActa } from '../../../src/trust/verify/acta.ts'
import { bundleOf, openTest, temporaryFolder } from '../support.ts'

// The public vectors of ScopeBlind's agent-governance-testvectors, and receipts of protect-mcp-adk; sources in the file.
const VECTORS = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../vectors/acta.json'), 'utf8'),
)
const KEY = decodeHex(VECTORS.public_key)

const head = 'apiVersion: countersign/v1\nkind: '
/** What `autoresearch-safe.cedar` of the vectors says, as guardrails. */
const POLICY = {
  'policies/agents/clerk.yaml': `${head}Agent\nagent: clerk\nscopes: [{ tools: ['mcp.*', 'shop.*'] }]\n`,
  'policies/tools/mcp.yaml': `${head}Tools\nservice: mcp\ntools:\n  Read: { effect: read }\n  Bash: { effect: write }\n  Write: { effect: write }\n`,
  'policies/guardrails/safe.yaml': [
    `${head}Guardrails`,
    'rules:',
    '  - id: bash/destructive',
    '    on: { service: mcp, action: Bash }',
    "    pattern: { path: context.command_pattern, one_of: ['rm -rf', dd, mkfs, shred] }",
    '    then: deny',
    '  - id: bash/unknown',
    '    on: { service: mcp, action: Bash }',
    '    pattern: { path: context.command_pattern, none_of: [git, npm, ls, cat, pwd, echo, node, python] }',
    '    then: deny',
    '  - id: write/outside',
    '    on: { service: mcp, action: Write }',
    "    pattern: { path: context.path_starts_with, none_of: ['./'] }",
    '    then: deny',
    '',
  ].join('\n'),
}

async function converted(): Promise<{
  lines: string[]
  key: string
  file: string
  folder: string
}> {
  const { engine, parts } = await openTest({ bundle: await bundleOf(POLICY) })
  for (const { tool_name, tool_input, context } of VECTORS.inputs) {
    const action = { service: 'mcp', action: tool_name, payload: tool_input, context }
    await engine.decide({ project: 'shop', agent: 'clerk', priority: 'low', ...action } as Action)
  }
  // A hold, which that form has no word for.
  await engine.decide({
    ...{
      project: 'shop',
      agent: 'clerk',
      service: 'shop',
      action: 'refund',
      payload: { amount: 5 },
    },
  } as Action)
  const folder = temporaryFolder()
  const pem = join(folder, 'acta.pem')
  const file = join(folder, 'acta.jsonl')
  const told = await exportActa(parts.store, { key: pem, out: file })
  expect(told).toMatchObject({ written: 4, left_out: 2 })
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  return { lines, key: told.public_key, file, folder }
}

describe('the four inputs of the vectors', () => {
  test('get the decisions that the vectors expect, in one chain that the schema of the vectors takes', async () => {
    const { lines, key } = await converted()
    const fits = new Ajv({ strict: false, formats: { 'date-time': true } }).compile(
      VECTORS.receipt_schema,
    )
    const receipts = lines.map((line) => JSON.parse(line))
    expect(receipts.filter((receipt) => !fits(receipt))).toEqual([])
    expect(receipts.map(({ payload }) => payload.decision)).toEqual(
      VECTORS.inputs.map((input: JsonObject) => input['expected_decision']),
    )
    checkActaChain(lines.map((line) => verifyActa(line, decodeHex(key))))
    // The chain by the words of sb-runtime: each names the digest of the payload before.
    expect(receipts[1].payload.prev_hash).toBe(
      `sha256:${sha256Hex(canonicalize(receipts[0].payload))}`,
    )
    expect(receipts[0].payload.prev_hash).toBe('genesis')
  })

  test('show no argument, and no plain digest of one', async () => {
    const { lines } = await converted()
    const text = lines.join('\n')
    for (const { tool_input } of VECTORS.inputs) {
      expect(text).not.toContain(sha256Hex(canonicalize(tool_input)))
      for (const value of Object.values(tool_input)) expect(text).not.toContain(value as string)
    }
  })

  test('come back as a session whose steps are theirs', async () => {
    const { file, folder, key } = await converted()
    const out = join(folder, 'trace.jsonl')
    const told = await importActa({ file, publicKey: key, out, service: 'mcp' })
    expect(told).toEqual({ receipts: 4, sessions: 1, chained: true })
    const session = parseSession(readFileSync(out, 'utf8').trimEnd(), { file: out, line: 1 })
    expect(JSON.stringify(session)).toContain('Bash')
  })
})

describe("other gateways' receipts", () => {
  const gateways = Object.entries<JsonObject>(VECTORS.gateway_receipts)
  test.for(gateways)('%s verifies', ([, receipt]) => {
    const read = verifyActa(JSON.stringify(receipt), KEY)
    expect(read).toMatchObject({ shape: 'decision_receipt', decision: 'allow' })
  })

  test('the in-toto envelope of 4-portability carries the receipt, byte for byte in meaning', () => {
    const statement = JSON.parse(
      Buffer.from(VECTORS.in_toto_envelope.payload, 'base64').toString('utf8'),
    )
    expect(statement.predicate).toEqual(VECTORS.gateway_receipts['4-portability'])
    expect(verifyActa(JSON.stringify(statement.predicate), KEY).tool).toBe('http.get')
  })

  test('receipts of protect-mcp-adk verify and form a chain', () => {
    const receipts = VECTORS.protect_mcp_adk.receipts as JsonObject[]
    const read = receipts.map((receipt) => verifyActa(JSON.stringify(receipt), KEY))
    checkActaChain(read)
    expect(read.map(({ decision }) => decision)).toEqual(['allow', 'allow', 'deny'])
  })

  test('they become sessions', async () => {
    const folder = temporaryFolder()
    const file = join(folder, 'adk.jsonl')
    const out = join(folder, 'trace.jsonl')
    const receipts = VECTORS.protect_mcp_adk.receipts as JsonObject[]
    writeFileSync(file, receipts.map((receipt) => JSON.stringify(receipt)).join('\n'))
    const told = await importActa({ file, publicKey: VECTORS.public_key, out, service: 'mcp' })
    expect(told).toEqual({ receipts: 3, sessions: 1, chained: true })
    const [line = ''] = readFileSync(out, 'utf8').split('\n')
    expect(JSON.parse(line)).toMatchObject({
      session: 'sess_vectors',
      agent: 'research-bot',
      steps: [{ service: 'mcp', action: 'Read' }, { action: 'Bash' }, { action: 'Bash' }],
    })
  })
})

/** A file of receipts of a key of its own, in the shape without a chain. */
function signedFile(payloads: readonly JsonObject[]): { file: string; key: string; out: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const lines = payloads.map((payload) => {
    const head = { type: 'decision_receipt', algorithm: 'ed25519' }
    const signed = { ...head, issued_at: '2026-11-21T09:00:00Z', payload }
    const signature = sign(null, Buffer.from(canonicalize(signed)), privateKey).toString('hex')
    return JSON.stringify({ ...signed, signature })
  })
  const folder = temporaryFolder()
  const file = join(folder, 'theirs.jsonl')
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''))
  const key = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('hex')
  return { file, key, out: join(folder, 'trace.jsonl') }
}

describe('the sessions of an import', () => {
  const said = { decision: 'allow', tool: 'a.b' }

  test('have the steps of each agent in order', async () => {
    const { file, key, out } = signedFile([
      { ...said, agent_id: 'c' },
      { ...said, agent_id: 'd' },
      { ...said, tool: 'a.c', agent_id: 'c' },
    ])
    const told = await importActa({ file, publicKey: key, out, service: 'mcp' })
    expect(told).toEqual({ receipts: 3, sessions: 2, chained: null })
    const [first = ''] = readFileSync(out, 'utf8').split('\n')
    expect(JSON.parse(first)).toMatchObject({
      ...{ session: 'acta', agent: 'c' },
      steps: [{ action: 'b' }, { action: 'c' }],
    })
  })

  test('are refused when there is no receipt', async () => {
    const { file, key, out } = signedFile([])
    await expect(importActa({ file, publicKey: key, out, service: 'mcp' })).rejects.toThrow(
      expect.objectContaining({ code: 'RECEIPT_INVALID', file }),
    )
  })

  test('name the line of a step that is none', async () => {
    const long = { ...said, tool: `a.${'b'.repeat(300)}`, agent_id: 'c' }
    const { file, key, out } = signedFile([{ ...said, agent_id: 'c' }, long])
    await expect(importActa({ file, publicKey: key, out, service: 'mcp' })).rejects.toThrow(
      expect.objectContaining({ code: 'RECEIPT_INVALID', file, at: { line: 2, column: 1 } }),
    )
  })
})

describe('refused', () => {
  const gateway = VECTORS.gateway_receipts['2-external-verification'] as JsonObject
  const adk = VECTORS.protect_mcp_adk.receipts[0] as { payload: JsonObject; signature: JsonObject }
  const other = decodeHex('11'.repeat(32))
  test.for([
    {
      name: 'a changed decision',
      receipt: { ...gateway, payload: { ...(gateway['payload'] as JsonObject), decision: 'deny' } },
      code: 'SIGNATURE_WRONG',
    },
    { name: 'a changed issuer', receipt: { ...gateway, issuer: 'x' }, code: 'SIGNATURE_WRONG' },
    { name: 'an added member', receipt: { ...gateway, more: 1 }, code: 'SIGNATURE_WRONG' },
    { name: 'another key', receipt: gateway, key: other, code: 'SIGNATURE_WRONG' },
    {
      name: 'a key of its own inside',
      receipt: { ...adk, signature: adk.signature['sig'], pubkey: '22'.repeat(32) },
      code: 'KEY_NOT_PINNED',
    },
    {
      name: 'no algorithm',
      receipt: { ...adk, signature: { ...adk.signature, alg: 'none' } },
      code: 'RECEIPT_INVALID',
    },
    {
      name: 'a short signature',
      receipt: { ...gateway, signature: '00' },
      code: 'SIGNATURE_WRONG',
    },
    { name: 'no hexadecimal', receipt: { ...gateway, signature: 'zz' }, code: 'RECEIPT_INVALID' },
    { name: 'an unknown shape', receipt: { ...gateway, type: 'else' }, code: 'RECEIPT_INVALID' },
    { name: 'no object', receipt: ['x'], code: 'RECEIPT_INVALID' },
  ])('$name -> $code', ({ receipt, key = KEY, code }) => {
    expect(() => verifyActa(JSON.stringify(receipt), key)).toThrow(
      expect.objectContaining({ code }),
    )
  })

  test.for([
    { name: 'a dropped receipt', change: (lines: string[]) => lines.toSpliced(1, 1) },
    { name: 'an exchanged pair', change: (lines: string[]) => [1, 0, 2, 3].map((i) => lines[i]!) },
    { name: 'a repeated receipt', change: (lines: string[]) => [lines[0]!, ...lines] },
    { name: 'a dropped beginning', change: (lines: string[]) => lines.slice(1) },
  ])('a chain with $name, with the file named', async ({ change }) => {
    const { lines, key, folder } = await converted()
    const file = join(folder, 'changed.jsonl')
    writeFileSync(file, change(lines).join('\n'))
    const out = join(folder, 'out.jsonl')
    await expect(importActa({ file, publicKey: key, out, service: 'mcp' })).rejects.toThrow(
      expect.objectContaining({ code: 'RECEIPT_INVALID', file }),
    )
  })

  test('writing over what is read', async () => {
    const { file, key } = await converted()
    const before = readFileSync(file, 'utf8')
    await expect(importActa({ file, publicKey: key, out: file, service: 'mcp' })).rejects.toThrow(
      expect.objectContaining({ code: 'USAGE_INVALID' }),
    )
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  test('a line that is not signed, with its number', async () => {
    const { lines, key, folder } = await converted()
    const file = join(folder, 'changed.jsonl')
    writeFileSync(file, [lines[0], lines[1]?.replace('Bash', 'Bosh')].join('\n'))
    const out = join(folder, 'out.jsonl')
    await expect(importActa({ file, publicKey: key, out, service: 'mcp' })).rejects.toThrow(
      expect.objectContaining({ code: 'SIGNATURE_WRONG', file, at: { line: 2, column: 1 } }),
    )
  })
})
