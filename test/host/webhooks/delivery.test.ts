import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { WEBHOOK_BYTES_MAX } from '../../../src/base/limits.ts'
import { readSignature, verifyDelivery } from '../../../src/host/webhooks/delivery.ts'
import { openDeliveryLog } from '../../../src/host/webhooks/delivery-log.ts'
import { readWebhookSecrets } from '../../../src/host/webhooks/secrets.ts'

const SECRET = "It's a Secret to Everybody"
const REQUEST = 'req_00000000000000000001'

const bytes = (text: string) => new TextEncoder().encode(text)
const hmac = (body: Uint8Array, secret = SECRET) =>
  createHmac('sha256', secret).update(body).digest('hex')

const EVENT = {
  action: 'submitted',
  number: 7,
  pull_request: { number: 7, head: { ref: `countersign/${REQUEST}` } },
  repository: { id: 42, full_name: 'acme/approvals' },
}

/** A delivery as the forge sends it, signed. */
function sent(
  forge: 'github' | 'gitea' = 'github',
  about: {
    readonly event?: string
    readonly payload?: unknown
    readonly text?: string
    readonly headers?: Record<string, string | undefined>
    readonly secret?: string
  } = {},
) {
  const { event = 'pull_request', payload = EVENT, headers = {}, secret } = about
  const body = bytes(about.text ?? JSON.stringify(payload))
  const signature = hmac(body, secret)
  const github = {
    'x-github-event': event,
    'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    'x-hub-signature-256': `sha256=${signature}`,
  }
  const gitea = {
    'x-gitea-event': event,
    'x-gitea-delivery': 'f6266f16-1bf3-46a5-9ea4-602e06ead473',
    'x-gitea-signature': signature,
  }
  const own = forge === 'gitea' ? { ...github, ...gitea } : github
  return { headers: { 'content-type': 'application/json', ...own, ...headers }, body }
}

const verify = ({ headers, body }: ReturnType<typeof sent>, secrets = [SECRET]) =>
  verifyDelivery(headers, body, secrets)

describe("GitHub's published example", () => {
  // https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
  const body = bytes('Hello, World!')
  const signature = '757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
  const headers = {
    'x-hub-signature-256': `sha256=${signature}`,
    'x-github-delivery': 'a',
    'x-github-event': 'ping',
  }

  test('is verified', () => {
    expect(verifyDelivery(headers, body, [SECRET])).toEqual({
      ...{ forge: 'github', delivery: 'a', signature, kind: 'ignored' },
    })
  })

  test.for([
    { name: 'another secret', secrets: ['It is a Secret to Everybody'] },
    { name: 'no secret', secrets: [] },
    { name: 'an empty secret', secrets: [''] },
    { name: 'another body', body: bytes('Hello, World') },
    { name: 'no body', body: bytes('') },
    { name: 'upper case', header: `sha256=${signature.toUpperCase()}` },
    { name: 'no prefix', header: signature },
    { name: 'one digit less', header: `sha256=${signature.slice(1)}` },
    { name: 'two of them', header: `sha256=${signature}, sha256=${signature}` },
    { name: 'none', header: undefined },
    { name: 'one of SHA-1', header: `sha1=${signature.slice(0, 40)}` },
  ])('with $name -> WEBHOOK_UNVERIFIED', ({ secrets = [SECRET], body: other = body, ...row }) => {
    const changed = 'header' in row ? { ...headers, 'x-hub-signature-256': row.header } : headers
    expect(() => verifyDelivery(changed, other, secrets)).toThrow(
      expect.objectContaining({ code: 'WEBHOOK_UNVERIFIED' }),
    )
  })
})

describe('a delivery', () => {
  test.for([
    ['github', 'pull_request', 'pull_request'],
    ['github', 'pull_request_review', 'pull_request_review'],
    ['gitea', 'pull_request', 'pull_request'],
    ['gitea', 'pull_request_approved', 'pull_request_review'],
    ['gitea', 'pull_request_rejected', 'pull_request_review'],
    ['gitea', 'pull_request_comment', 'pull_request_review'],
  ] as const)('of %s, %s -> %s with its pull request', ([forge, event, kind]) => {
    expect(verify(sent(forge, { event }))).toMatchObject({
      ...{ forge, kind, repository: '42', pull: 7, request: REQUEST },
      delivery: expect.stringContaining(forge === 'gitea' ? 'f6266f16' : '72d3162e'),
    })
  })

  test.for([
    'ping',
    'push',
    'issue_comment',
    'pull_request_review_comment',
    'pull_request_approved',
    '',
  ])('of another event, %o -> ignored, whatever it holds', (event) => {
    expect(verify(sent('github', { event, text: 'no JSON' }))).toMatchObject({ kind: 'ignored' })
  })

  test.for(['main', '', 'countersign/', 'countersign/req_x', `x/countersign/${REQUEST}`, 7, null])(
    'from the branch %o is of no request',
    (ref) => {
      const payload = { ...EVENT, pull_request: { number: 7, head: { ref } } }
      expect(verify(sent('github', { payload }))).toMatchObject({ pull: 7, request: null })
    },
  )

  test.for([
    { name: 'no JSON', text: '{' },
    { name: 'a form', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    { name: 'no content type', headers: { 'content-type': undefined } },
    { name: 'no id of a delivery', headers: { 'x-github-delivery': undefined } },
    { name: 'an id with a line feed', headers: { 'x-github-delivery': 'a\nb' } },
    { name: 'no object', payload: [] },
    { name: 'null', payload: null },
    { name: 'no repository', payload: { pull_request: EVENT.pull_request } },
    { name: 'no pull request', payload: { repository: EVENT.repository } },
    { name: 'a number that is none', payload: { ...EVENT, pull_request: { number: '7' } } },
    { name: 'the number 0', payload: { ...EVENT, pull_request: { number: 0 } } },
    { name: 'the number 1.5', payload: { ...EVENT, pull_request: { number: 1.5 } } },
    { name: 'a prototype', text: '{"__proto__": {"repository": {"id": 1}}}' },
    { name: 'deep nesting', text: '['.repeat(100_000) },
  ])('with $name -> WEBHOOK_MALFORMED', (about) => {
    expect(() => verify(sent('github', about))).toThrow(
      expect.objectContaining({ code: 'WEBHOOK_MALFORMED' }),
    )
  })

  test('that is too large -> WEBHOOK_TOO_LARGE', () => {
    const text = `"${'a'.repeat(WEBHOOK_BYTES_MAX)}"`
    expect(() => verify(sent('github', { text }))).toThrow(
      expect.objectContaining({ code: 'WEBHOOK_TOO_LARGE' }),
    )
  })

  test.for([SECRET, 'the secret of before'])(
    'signed with %o, both being known, is verified',
    (secret) => {
      const both = [SECRET, 'the secret of before']
      expect(verify(sent('github', { secret }), both)).toMatchObject({ pull: 7 })
      expect(() => verify(sent('github', { secret: `${secret}.` }), both)).toThrow(/not verified/)
    },
  )

  test("of Gitea is held to Gitea's own signature", () => {
    const { headers, body } = sent('gitea')
    const forged = { ...headers, 'x-gitea-signature': 'a'.repeat(64) }
    expect(() => verifyDelivery(forged, body, [SECRET])).toThrow(/not verified/)
    expect(() => readSignature({ ...headers, 'x-gitea-signature': '' })).toThrow(/not verified/)
  })

  test('that fails shows neither secret nor body', () => {
    for (const about of [{ text: 'body-of-mine' }, { secret: 'another-secret' }]) {
      try {
        verify(sent('github', about))
      } catch (error) {
        const all = JSON.stringify(error, Object.getOwnPropertyNames(error))
        expect(all).not.toMatch(/body-of-mine|Everybody|another-secret/)
      }
    }
    expect.hasAssertions()
  })
})

describe('the log of deliveries', () => {
  test('knows a name for its time, and forgets it then', () => {
    let at = 0
    const log = openDeliveryLog({ now: () => at, forMs: 100 })
    expect([log.isNew('a'), log.isNew('a'), log.isNew('b')]).toEqual([true, false, true])
    at = 99
    expect(log.isNew('a')).toBe(false)
    at = 100
    expect(log.isNew('a')).toBe(true)
  })

  test('forgets the oldest when it is full', () => {
    const log = openDeliveryLog({ now: () => 0, max: 3 })
    for (const name of ['a', 'b', 'c', 'd']) expect(log.isNew(name)).toBe(true)
    expect(log.isNew('d')).toBe(false)
    expect(log.isNew('c')).toBe(false)
    expect(log.isNew('a')).toBe(true)
  })
})

describe('secrets', () => {
  const [NEW, OLD] = ['n'.repeat(16), 'o'.repeat(40)]
  test.for([
    [{}, []],
    [{ COUNTERSIGN_WEBHOOK_SECRET: '' }, []],
    [{ COUNTERSIGN_WEBHOOK_SECRET: ` ${NEW}\n` }, [NEW]],
    [{ COUNTERSIGN_WEBHOOK_SECRET: NEW, COUNTERSIGN_WEBHOOK_SECRET_OLD: OLD }, [NEW, OLD]],
  ] as const)('%o -> %o', ([environment, want]) => {
    expect(readWebhookSecrets(environment)).toEqual(want)
  })

  test.for([
    { COUNTERSIGN_WEBHOOK_SECRET: 'n'.repeat(15) },
    { COUNTERSIGN_WEBHOOK_SECRET: 'n'.repeat(1025) },
    { COUNTERSIGN_WEBHOOK_SECRET_OLD: OLD },
    { COUNTERSIGN_WEBHOOK_SECRET: NEW, COUNTERSIGN_WEBHOOK_SECRET_OLD: 'short' },
  ])('%o -> USAGE_INVALID', (environment) => {
    expect(() => readWebhookSecrets(environment)).toThrow(
      expect.objectContaining({ code: 'USAGE_INVALID' }),
    )
  })
})
