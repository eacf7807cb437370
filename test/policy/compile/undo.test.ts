import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { inspectBundle } from '../../../src/app/policy/inspect-bundle.ts'
import { comparePolicies } from '../../../src/policy/analyse/diff.ts'
import { NO_PLACES } from '../../../src/policy/analyse/diff-parts.ts'
import { type Bundle, readBundle, writeBundle } from '../../../src/policy/bundle/index.ts'
import { inspectDocument, inspectText } from '../../../src/report/inspect-text.ts'
import { painter } from '../../../src/report/paint.ts'
import { bundleOf, compileFiles, policyFiles, temporaryFolder } from '../../app/support.ts'

// `undo` in a Tools file: what compiles, what does not and where, and how it shows.

const FILE = 'policies/tools/shop.yaml'

/** The shop's tools, with these lines for the tool `mail`. */
function toolsWith(undo: string, facts = 'effect: write'): string {
  return `apiVersion: countersign/v1
kind: Tools
service: shop
tools:
  read_order: { effect: read }
  refund: { effect: irreversible, priority: high }
  delete: { effect: irreversible, priority: critical, automate: never }
  recall: { effect: write }
  mail:
    ${facts}
    undo: ${undo}
`
}

const PAYLOAD =
  'payload: { id: { from: result.id }, to: { from: payload.to }, loud: { value: [1, null] } }'

test('compiles to fields in order, with the service and no end by default', async () => {
  const { policy } = await bundleOf({ [FILE]: toolsWith(`{ action: recall, ${PAYLOAD} }`) })
  expect(policy.tools.find(({ action }) => action === 'mail')?.undo).toEqual({
    service: 'shop',
    action: 'recall',
    payload: [
      { field: 'id', from: 'result.id' },
      { field: 'loud', value: [1, null] },
      { field: 'to', from: 'payload.to' },
    ],
    within: null,
  })
  expect(policy.tools.find(({ action }) => action === 'recall')).not.toHaveProperty('undo')
})

test('stays in the bundle, and its digest with it', async () => {
  const plain = await bundleOf({ [FILE]: toolsWith('{ action: recall, payload: {} }') })
  const other = await bundleOf({ [FILE]: toolsWith('{ action: recall, payload: {}, within: 1h }') })
  expect(plain.digest).not.toBe(other.digest)
  expect(readBundle(writeBundle(other)).policy).toEqual(other.policy)
})

describe('is refused:', () => {
  type Row = {
    readonly name: string
    readonly undo: string
    readonly facts?: string
    readonly code: string
    readonly at?: string
    readonly words: string
  }
  test.for<Row>([
    {
      name: 'by a tool that no file names',
      undo: '{ action: recal, payload: {} }',
      code: 'REFERENCE_UNKNOWN',
      at: '11:21',
      words: 'did you mean "shop.recall"?',
    },
    {
      name: 'by a tool of another service',
      undo: '{ service: post, action: recall, payload: {} }',
      code: 'REFERENCE_UNKNOWN',
      words: 'post.recall',
    },
    {
      name: 'by itself',
      undo: '{ action: mail, payload: {} }',
      code: 'VALUE_INVALID',
      words: 'cannot take itself back',
    },
    {
      name: 'by a tool that is never automated',
      undo: '{ action: delete, payload: {} }',
      code: 'VALUE_INVALID',
      words: 'never automated',
    },
    {
      name: 'of an irreversible tool',
      undo: '{ action: recall, payload: {} }',
      facts: 'effect: irreversible',
      code: 'VALUE_INVALID',
      words: 'irreversible',
    },
    {
      name: 'of a read',
      undo: '{ action: recall, payload: {} }',
      facts: 'effect: read',
      code: 'VALUE_INVALID',
      words: 'changes nothing',
    },
    {
      name: 'without a payload',
      undo: '{ action: recall }',
      code: 'KEY_MISSING',
      words: 'payload',
    },
    {
      name: 'with a field from neither',
      undo: '{ action: recall, payload: { id: {} } }',
      code: 'KEY_MISSING',
      words: 'found none',
    },
    {
      name: 'with a field from both',
      undo: '{ action: recall, payload: { id: { from: result.id, value: 1 } } }',
      code: 'VALUE_INVALID',
      words: 'found both',
    },
    {
      name: 'with a field from elsewhere',
      undo: '{ action: recall, payload: { id: { from: paylod.id } } }',
      code: 'PATH_INVALID',
      words: 'did you mean "payload"?',
    },
    {
      name: 'with a path that is none',
      undo: '{ action: recall, payload: { id: { from: payload. } } }',
      code: 'PATH_INVALID',
      words: 'a name after the dot',
    },
    {
      name: 'with each of a list',
      undo: "{ action: recall, payload: { id: { from: 'result.items[]' } } }",
      code: 'PATH_INVALID',
      words: 'one value',
    },
    {
      name: 'with a field that no call can have',
      undo: '{ action: recall, payload: { _sd: { value: 1 } } }',
      code: 'VALUE_INVALID',
      words: '_sd',
    },
    {
      name: 'with such a field further down',
      undo: "{ action: recall, payload: { id: { value: [{ '...': 1 }] } } }",
      code: 'VALUE_INVALID',
      words: '...',
    },
    {
      name: 'with no time at all',
      undo: '{ action: recall, payload: {}, within: 0s }',
      code: 'DURATION_INVALID',
      words: 'at least 1ms',
    },
    {
      name: 'with a time beyond all windows',
      undo: '{ action: recall, payload: {}, within: 90000d }',
      code: 'DURATION_INVALID',
      words: 'at most',
    },
  ])('an undo $name -> $code', async ({ undo, facts, code, at, words }) => {
    const { bundle, diagnostics } = await compileFiles(
      policyFiles({ [FILE]: toolsWith(undo, facts) }),
    )
    expect(bundle).toBeNull()
    const found = diagnostics.find((one) => one.code === code)
    expect(found?.message).toContain(words)
    expect(found?.file).toBe(FILE)
    expect(found?.line).toBe(11)
    if (at !== undefined) expect(`${found?.line}:${found?.column}`).toBe(at)
  })

  test('an undo by a tool that hides less is warned of', async () => {
    const undo = '{ action: recall, payload: {} }'
    const files = policyFiles({ [FILE]: toolsWith(undo, 'effect: write\n    private: [session]') })
    const { diagnostics } = await compileFiles(files)
    expect(diagnostics.filter(({ file }) => file === FILE)).toMatchObject([
      { severity: 'warning', code: 'VALUE_INVALID', line: 12 },
    ])
  })
})

describe('a change of it', () => {
  const side = ({ policy }: Bundle) => ({
    ...{ policy, rego: new Map(), planDigest: null, places: NO_PLACES, baselines: new Map() },
  })
  const NONE = toolsWith('').replace('    undo: \n', '')
  const ONE = toolsWith('{ action: recall, payload: { to: { from: payload.to } }, within: 1h }')
  test.for([
    {
      name: 'added',
      before: NONE,
      after: ONE,
      want: {
        direction: 'neutral',
        message: 'undo added: shop.recall(to from payload.to) within 1h',
      },
    },
    {
      name: 'removed',
      before: ONE,
      after: NONE,
      want: {
        direction: 'weaker',
        message: 'undo removed: shop.recall(to from payload.to) within 1h',
      },
    },
    {
      name: 'changed',
      before: ONE,
      after: ONE.replace('1h', '2h'),
      want: {
        direction: 'unclear',
        message:
          'undo: shop.recall(to from payload.to) within 1h -> shop.recall(to from payload.to) within 2h',
      },
    },
  ])('$name shows in `diff`', async ({ before, after, want }) => {
    const [old, now] = [await bundleOf({ [FILE]: before }), await bundleOf({ [FILE]: after })]
    const changes = comparePolicies({ before: side(old), after: side(now) } as Parameters<
      typeof comparePolicies
    >[0])
    expect(changes).toMatchObject([
      { part: 'tool', id: 'shop.mail', differences: [{ field: 'undo', ...want }] },
    ])
  })
})

test('shows in `inspect`', async () => {
  const undo = '{ action: recall, payload: {}, within: 24h }'
  const file = join(temporaryFolder(), 'shop.bundle')
  writeFileSync(file, writeBundle(await bundleOf({ [FILE]: toolsWith(undo) })))
  const report = await inspectBundle({ bundle: file })
  expect(inspectDocument(report)).toMatchObject({
    undos: { 'shop.mail': { by: 'shop.recall', within: '24h' } },
  })
  expect(inspectText(report, painter(false))).toContain(
    'shop.mail write, undone by shop.recall within 24h',
  )
})
