import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { writeSshKey } from '../../../src/host/ssh-key.ts'
import { writeBundle } from '../../../src/policy/bundle/index.ts'
import { bundleOf, KEYS, temporaryFolder } from '../../app/support.ts'
import { minimalPolicy } from './policies.ts'
import { runCli } from './run.ts'

const REFUND =
  '{"agent":"clerk","service":"shop","action":"refund","payload":{"amount":50,"to":"customer-7"}}'
const LARGE = REFUND.replace('50', '5000')

let bytes: Uint8Array
beforeAll(async () => {
  bytes = writeBundle(await bundleOf())
})

let cwd = ''
beforeEach(() => {
  cwd = temporaryFolder()
  writeFileSync(join(cwd, 'shop.bundle'), bytes)
})

const cli = (argv: readonly string[], stdin = '') =>
  runCli([...argv, '--bundle', 'shop.bundle'], { cwd, stdin })

describe('explain an action', () => {
  test('text: the verdict, what was looked at, rule by rule', async () => {
    const { code, stdout } = await cli(['explain', LARGE, '--at', '2026-05-01T12:00:00Z'])
    expect(code).toBe(0)
    for (const line of [
      'hold because of refunds/any, refunds/large',
      '  shop.refund by clerk as agent, in its scopes; irreversible, priority high, raised from medium; at 2026-05-01T12:00:00.000Z',
      '  saw {"attempts":1,"limit":100,"per":"1h"}',
      '    payload.amount = 5000',
      'waits for board and payments',
    ]) {
      expect(stdout.split('\n')).toContain(line)
    }
    expect(stdout).not.toContain('mail/card-number')
    expect((await cli(['explain', LARGE, '--all'])).stdout).toContain(
      'mail/card-number is not about this action',
    )
  })

  test('from standard input and from a file -> the same', async () => {
    writeFileSync(join(cwd, 'a.json'), REFUND)
    const at = ['--at', '2026-05-01T12:00:00Z', '--format', 'json']
    const given = (await cli(['explain', REFUND, ...at])).json
    expect((await cli(['explain', '@a.json', ...at])).json).toEqual(given)
    expect((await cli(['explain', '-', ...at], REFUND)).json).toEqual(given)
    expect(given).toMatchObject({ clear: true, recorded: null, verdict: { verdict: 'hold' } })
  })

  test('with --data the engine’s state counts, and none is written', async () => {
    await cli(['decide', REFUND])
    const saw = async (...more: string[]) => {
      const { json } = await cli(['explain', REFUND, '--format', 'json', ...more])
      const { rules } = json as { rules: { rule: string; saw: unknown }[] }
      return rules.find(({ rule }) => rule === 'refunds/too-many')?.saw
    }
    expect(await saw()).toMatchObject({ attempts: 1 })
    expect(await saw('--data', '.countersign')).toMatchObject({ attempts: 2 })
    expect(await saw('--data', '.countersign')).toMatchObject({ attempts: 2 })
  })

  test.for([
    { name: 'no JSON', argv: ['{'], code: 'JSON_MALFORMED' },
    { name: 'no action', argv: ['{"agent":"clerk"}'], code: 'ACTION_INVALID' },
    { name: 'a time that is none', argv: [REFUND, '--at', 'noon'], code: 'USAGE_INVALID' },
    { name: 'a key without a decision', argv: [REFUND, '--key', 'k'], code: 'USAGE_INVALID' },
    { name: 'a file that there is not', argv: ['@x.json'], code: 'FILE_UNREADABLE' },
  ])('$name -> exit 2 with $code', async ({ argv, code }) => {
    const ran = await cli(['explain', ...argv, '--format', 'json'])
    expect(ran).toMatchObject({ code: 2, json: { error: { code } } })
  })
})

describe('explain a decision', () => {
  const decided = async () => {
    const { json } = await cli(['decide', REFUND, '--format', 'json'])
    return (json as { decision: string }).decision
  }

  test('without a key: HMACs, and the verdict of the receipt', async () => {
    const id = await decided()
    const { json, stdout } = await cli(['explain', id, '--format', 'json'])
    expect(json).toMatchObject({
      clear: false,
      recorded: { decision: id, verdict: 'hold' },
      verdict: { verdict: 'hold', route: ['payments'] },
    })
    expect(stdout).not.toMatch(/customer-7|"value": 50/)
    expect((await cli(['explain', id])).stdout).toContain('values are HMACs')
  })

  test('with the key of a person on its route: in clear', async () => {
    const id = await decided()
    await writeSshKey(join(cwd, 'ana_key'), KEYS.ana)
    const { stdout } = await cli(['explain', id, '--key', 'ana_key'])
    expect(stdout).toContain('    payload.amount = 50')
  })

  test('with a key that nobody on the roster has -> KEY_NOT_PINNED', async () => {
    const id = await decided()
    const { generateSshKey } = await import('../../../src/host/ssh-key.ts')
    await writeSshKey(join(cwd, 'eve_key'), generateSshKey('eve'))
    const ran = await cli(['explain', id, '--key', 'eve_key', '--format', 'json'])
    expect(ran.json).toMatchObject({ error: { code: 'KEY_NOT_PINNED' } })
    expect(ran.stdout).not.toContain('customer-7')
  })

  test('with the key of a person who is on another route -> REVIEWER_NOT_ON_ROUTE', async () => {
    // `board` alone holds this one, and ana is not on it.
    const rules = `apiVersion: countersign/v1
kind: Guardrails
rules:
  - id: refunds/large
    on: { action: refund }
    pattern: { path: payload.amount, above: 10 }
    then: hold
    route: board
`
    const bundle = await bundleOf({ 'policies/guardrails/refunds.yaml': rules })
    writeFileSync(join(cwd, 'shop.bundle'), writeBundle(bundle))
    const id = await decided()
    await writeSshKey(join(cwd, 'ana_key'), KEYS.ana)
    const ran = await cli(['explain', id, '--key', 'ana_key', '--format', 'json'])
    expect(ran.json).toMatchObject({ error: { code: 'REVIEWER_NOT_ON_ROUTE' } })
  })

  test('a decision that there is not -> RECEIPT_UNKNOWN', async () => {
    await decided()
    const ran = await cli(['explain', `dec_${'0'.repeat(26)}`, '--format', 'json'])
    expect(ran.json).toMatchObject({ error: { code: 'RECEIPT_UNKNOWN' } })
  })
})

describe('bench', () => {
  test('costs on a trace: each rule with its share, and those never selected', async () => {
    const steps = [JSON.parse(REFUND), JSON.parse(REFUND)].map(({ agent: _, ...step }) => step)
    writeFileSync(join(cwd, 't.jsonl'), JSON.stringify({ session: 's', agent: 'clerk', steps }))
    const { json, code } = await cli(['bench', 't.jsonl', '--rounds', '3', '--format', 'json'])
    expect(code).toBe(0)
    const report = json as {
      rules: { rule: string; calls: number; share: number; p50_us: number }[]
    }
    expect(report).toMatchObject({
      source: 'traces',
      actions: 2,
      rounds: 3,
      unselected: [{ rule: 'mail/card-number' }],
    })
    expect(report.rules.map(({ rule, calls }) => `${rule} ${calls}`).sort()).toEqual([
      'refunds/any 6',
      'refunds/large 6',
      'refunds/too-many 6',
    ])
    expect(report.rules.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 6)
  })

  test('on the decision tests of a policy repository', async () => {
    const folder = minimalPolicy()
    const { stdout, code } = await runCli(['bench', '--rounds', '1'], { cwd: folder })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^\d+ actions of the decision tests, 1 round: a decision takes /)
    expect(stdout).toContain('notes/secret-in-note policies/all.yaml:19')
  })

  test.for([
    { name: 'a bundle without traces', argv: ['--bundle', 'shop.bundle'], code: 'USAGE_INVALID' },
    {
      name: 'no rounds',
      argv: ['--bundle', 'shop.bundle', '--rounds', '0'],
      code: 'USAGE_INVALID',
    },
    { name: 'an empty trace', argv: ['--bundle', 'shop.bundle', 'e.jsonl'], code: 'USAGE_INVALID' },
    {
      name: 'no trace of that name',
      argv: ['--bundle', 'shop.bundle', 'x'],
      code: 'FILE_UNREADABLE',
    },
  ])('$name -> exit 2 with $code', async ({ argv, code }) => {
    writeFileSync(join(cwd, 'e.jsonl'), '\n')
    const ran = await runCli(['bench', ...argv, '--format', 'json'], { cwd })
    expect(ran).toMatchObject({ code: 2, json: { error: { code } } })
  })
})
