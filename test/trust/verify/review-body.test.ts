import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import {
  formatReviewBody,
  parseReviewBody,
  REVIEW_BODY_LENGTH_MAX,
} from '../../../src/trust/verify/review-body.ts'
import type { Predicate, Row } from '../../fakes/review-case.ts'
import {
  judge,
  KEYS,
  PATCH_ROOT,
  predicate,
  SEALED,
  signedReview,
} from '../../fakes/review-case.ts'

describe('the body', () => {
  let other = ''
  beforeAll(async () => {
    const blocks = parseReviewBody((await signedReview()).body)
    other = blocks?.kind === 'ssh' ? blocks.signature.trimEnd() : ''
  })
  const STATEMENT = /```countersign-statement\n.*\n```\n/
  const SIGNATURE = /```countersign-signature\n[^`]*```\n/
  const again = (body: string, block: RegExp) => body + (block.exec(body)?.[0] ?? '')
  test.for<Row>([
    {
      name: 'two statements',
      editBody: (body) => again(body, STATEMENT),
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'two signatures',
      editBody: (body) => again(body, SIGNATURE),
      want: 'REVIEW_MALFORMED',
    },
    { name: 'twice all of it', editBody: (body) => body + body, want: 'REVIEW_MALFORMED' },
    {
      name: 'no statement',
      editBody: (body) => body.replace(STATEMENT, ''),
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'no signature',
      editBody: (body) => body.replace(SIGNATURE, ''),
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'cut before its end',
      editBody: (body) => body.slice(0, -20),
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'cut within the statement',
      editBody: (body) => body.slice(0, body.indexOf('nonce')),
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'indented fences',
      editBody: (body) => body.replaceAll('```c', ' ```c'),
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'the signature first',
      editBody: (body) => {
        const [statement = ''] = STATEMENT.exec(body) ?? []
        return body.replace(statement, '') + statement
      },
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'a statement of two lines',
      editBody: (body) => body.replace('{"_type"', '{\n"_type"'),
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'longer than any forge keeps',
      editBody: (body) => `${'x'.repeat(REVIEW_BODY_LENGTH_MAX)}\n${body}`,
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'one word of the statement edited',
      editBody: (body) => body.replace('"verdict":"approve"', '"verdict":"reject"'),
      on: { state: 'rejected' },
      want: 'SIGNATURE_WRONG',
    },
    {
      name: 'a space put into the statement',
      editBody: (body) => body.replace('{"_type":', '{"_type": '),
      want: 'SIGNATURE_WRONG',
    },
    {
      name: "another review's signature",
      words: { verdict: 'reject' },
      editBody: (body) => body.replace(/-----BEGIN[^`]*SIGNATURE-----/, () => other),
      want: 'SIGNATURE_WRONG',
    },
  ])('$name -> $want', async (row) => {
    expect(await judge(row)).toBe(row.want)
  })

  test('any statement and any words come back as they were', async () => {
    const armour = await KEYS.ana.sign(new Uint8Array())
    const words = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('```countersign-statement\n{}\n```', '\r```countersign-signature\r', '~~~'),
    )
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), words, (comment, text) => {
        const statement = canonicalize({ comment })
        const body = formatReviewBody(new TextEncoder().encode(statement), armour, text)
        const expected = { kind: 'ssh', statement, signature: armour, sealedPatch: null }
        expect(parseReviewBody(body)).toEqual(expected)
        expect(parseReviewBody(body.replaceAll('\n', '\r\n'))).toEqual(expected)
      }),
      { numRuns: 300 },
    )
  })

  test('words give way to the blocks, and what cannot fit is PATCH_TOO_LARGE', async () => {
    const armour = await KEYS.ana.sign(new Uint8Array())
    const bytes = (length: number) => new TextEncoder().encode('x'.repeat(length))
    const body = formatReviewBody(bytes(40_000), armour, 'w'.repeat(100_000))
    expect(body.length).toBeLessThanOrEqual(REVIEW_BODY_LENGTH_MAX)
    expect(parseReviewBody(body)?.statement).toHaveLength(40_000)
    expect(() => formatReviewBody(bytes(70_000), armour, '')).toThrow(
      expect.objectContaining({ code: 'PATCH_TOO_LARGE' }),
    )
  })
})

describe('the statement', () => {
  test.for<Row>([
    { name: 'no JSON', edit: () => 'approve', want: 'REVIEW_MALFORMED' },
    { name: 'an array', edit: () => [], want: 'REVIEW_MALFORMED' },
    { name: 'keys not sorted', edit: (made) => JSON.stringify(made), want: 'REVIEW_MALFORMED' },
    {
      name: 'a key twice',
      edit: (made) => canonicalize(made as never).replace('{', '{"_type":"x",'),
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'an unknown key',
      edit: (made) => ({ ...made, extra: 1 }),
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'no nonce',
      edit: predicate((made) => delete (made as Partial<Predicate>).nonce),
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'another predicate type',
      edit: (made) => ({ ...made, predicateType: 'https://slsa.dev/provenance/v1' }),
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'an unknown verdict',
      edit: predicate((made) => {
        made.verdict = 'APPROVE'
      }),
      want: 'REVIEW_MALFORMED',
    },
    { name: 'patch without one', words: { verdict: 'patch' }, want: 'REVIEW_MALFORMED' },
    { name: 'approve with a patch', words: { patchRoot: PATCH_ROOT }, want: 'REVIEW_MALFORMED' },
    {
      name: 'a patch of 41 KB',
      words: { verdict: 'patch', patchRoot: PATCH_ROOT },
      sealedPatch: new Uint8Array(41 * 1024),
      want: 'PATCH_TOO_LARGE',
    },
    {
      name: 'a signed patch root without the patch',
      words: { verdict: 'patch', patchRoot: PATCH_ROOT },
      sealedPatch: null,
      want: 'REVIEW_MALFORMED',
    },
    { name: 'a patch that is not signed for', sealedPatch: SEALED, want: 'REVIEW_MALFORMED' },
    {
      name: 'a patch block that is no base64',
      words: { verdict: 'patch', patchRoot: PATCH_ROOT },
      editBody: (body) => body.replace(/(countersign-patch\n)../, '$1*='),
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'two patch blocks',
      words: { verdict: 'patch', patchRoot: PATCH_ROOT },
      editBody: (body) => `${body}\n\`\`\`countersign-patch\nCQk=\n\`\`\`\n`,
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'a route twice',
      edit: predicate((made) => {
        made.route = ['payments', 'payments']
      }),
      want: 'REVIEW_MALFORMED',
    },
  ])('$name -> $want', async (row) => {
    expect(await judge(row)).toBe(row.want)
  })
})
