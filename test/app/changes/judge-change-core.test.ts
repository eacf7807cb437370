import { describe, expect, test } from 'vitest'
import { reviewChange } from '../../../src/app/changes/review-change.ts'
import type { KeylessSigner } from '../../../src/model/ports.ts'
import { KEYS } from '../../fakes/review-case.ts'
import { fakeSigstore, ISSUER } from '../../fakes/sigstore/fake-sigstore.ts'
import {
  baseFiles,
  CHANGES,
  changed,
  keysOf,
  limit,
  NOW,
  PEOPLE,
  rosterOf,
  routes,
  STRANGER,
} from './change-case.ts'

const SIGSTORE = `
sigstore:
  trusted_root: policies/root.json
  fulcio_url: https://fulcio.example
  rekor_url: https://rekor.example
  tsa_url: https://tsa.example
  oidc_issuer: https://issuer.example
`

// The heart of it; tables of all that a change may do are in judge-change.test.ts.

describe('who opens the gate', () => {
  const weaker = limit('limit: 50')
  test('the right review, then a push -> open, then closed', async () => {
    const { query, judge, commit } = await changed(weaker)
    const { report } = await reviewChange(query(), { verdict: 'approve' }, KEYS.cy)
    expect(report).toMatchObject({
      verdict: 'open',
      reviews: [{ reviewer: 'cy', assurance: 'ssh' }],
    })
    expect((await judge()).verdict).toBe('open')
    await commit(limit('limit: 60'))
    expect(await judge()).toMatchObject({ verdict: 'closed', reviews: [], refused: [] })
  })

  test('somebody who signs in, by the base -> open', async () => {
    const fulcio = fakeSigstore(NOW)
    const identity = { issuer: ISSUER, subject: 'cy@example.com' }
    const cy = `identities: [{ issuer: ${identity.issuer}, subject: ${identity.subject} }]`
    const base = {
      ...baseFiles(`${CHANGES}${SIGSTORE}`),
      'policies/roster.yaml': rosterOf({ ...PEOPLE, cy }),
      'policies/root.json': JSON.stringify(fulcio.root),
    }
    const { query } = await changed(weaker, {}, base)
    const signer: KeylessSigner = {
      kind: 'sigstore',
      identity: async () => identity,
      sign: async (payload) => fulcio.sign(payload, identity),
    }
    const { report } = await reviewChange(query(), { verdict: 'approve' }, async (parts) => {
      expect(parts.judge.bundle.policy.sigstore?.fulcio_url).toBe('https://fulcio.example')
      return signer
    })
    expect(report).toMatchObject({
      verdict: 'open',
      reviews: [{ reviewer: 'cy', assurance: 'sigstore' }],
    })
  })

  test.for([
    { name: 'a person whom only the head names', key: STRANGER, as: 'eve' },
    { name: 'the new key of a person', key: STRANGER, as: 'cy' },
  ])('$name -> KEY_NOT_PINNED', async ({ key, as }) => {
    const files = {
      ...weaker,
      ...routes('[bo, cy]', '[bo, cy, eve]'),
      'policies/roster.yaml': rosterOf({ ...PEOPLE, eve: keysOf(KEYS.eve), [as]: keysOf(key) }),
    }
    const { query, judge } = await changed(files)
    const reviewing = reviewChange(query(), { verdict: 'approve' }, key)
    await expect(reviewing).rejects.toMatchObject({ code: 'KEY_NOT_PINNED' })
    expect((await judge()).verdict).toBe('closed')
  })
})

describe('signed commits', () => {
  const base = baseFiles('changes: { weaker: security, signed_commits: signed }\n')
  const stronger = limit('limit: 3')
  test.for([
    { name: 'unsigned', about: {}, want: 'COMMIT_UNSIGNED' },
    { name: 'a key of nobody', about: { signer: STRANGER }, want: 'KEY_NOT_PINNED' },
    {
      name: 'another namespace',
      about: { signer: KEYS.dee, namespace: 'file' },
      want: 'SIGNATURE_NAMESPACE',
    },
    {
      name: 'altered',
      about: { signer: KEYS.dee, edit: (text: string) => text.replace('Change the', 'Change no') },
      want: 'SIGNATURE_WRONG',
    },
    {
      name: 'a signature of another kind',
      about: {
        signer: KEYS.dee,
        edit: (text: string) => text.replaceAll('SSH SIGNATURE', 'NO SIGNATURE'),
      },
      want: 'COMMIT_SIGNATURE_UNSUPPORTED',
    },
    { name: 'a key of the roster', about: { signer: KEYS.dee }, want: null },
  ])('$name -> $want', async ({ about, want }) => {
    const { judge } = await changed(stronger, about, base)
    const report = await judge()
    expect(report.problems.map(({ code }) => code)).toEqual(want === null ? [] : [want])
    expect(report.verdict).toBe(want === null ? 'open' : 'closed')
  })
})
