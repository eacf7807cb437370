import { expect, test } from 'vitest'
import type { RegoCompiler } from '../../../src/model/ports.ts'
import { readTrustedRoot } from '../../../src/model/trusted-root.ts'
import { compile } from '../../../src/policy/compile/index.ts'
import { verifySigstoreBundle } from '../../../src/trust/verify/sigstore.ts'
import { fakeSigstore } from '../../fakes/sigstore/fake-sigstore.ts'

const HEAD = 'apiVersion: countersign/v1\nkind: '
const NOW = Date.parse('2026-11-21T10:00:00Z')
const FAKE = fakeSigstore(NOW)
const FILE = 'policies/sigstore/trusted_root.json'

const SOUND = {
  trusted_root: FILE,
  fulcio_url: 'https://fulcio.example/',
  rekor_url: 'https://rekor.example',
  tsa_url: 'https://tsa.example/api/v1/timestamp',
  oidc_issuer: 'https://issuer.example/auth',
}

async function compiled(sigstore: object | null, root: string | null = JSON.stringify(FAKE.root)) {
  const said = sigstore === null ? '' : `sigstore: ${JSON.stringify(sigstore)}\n`
  const files = new Map([
    [
      'countersign.yaml',
      `${HEAD}Project\nproject: shop\ndefaults: { low: deny, medium: deny, high: deny, critical: deny }\n${said}`,
    ],
    ['policies/tools.yaml', `${HEAD}Tools\nservice: shop\ntools: { read: { effect: read } }\n`],
    ['policies/agent.yaml', `${HEAD}Agent\nagent: helper\nscopes: [{ tools: ['shop.*'] }]\n`],
    ...(root === null ? [] : [[FILE, root] as const]),
  ])
  // There is no Rego to compile.
  return compile(files, { rego: {} as RegoCompiler })
}

test('the trusted root becomes part of the policy, as it was understood', async () => {
  const { bundle, diagnostics } = await compiled(SOUND)
  expect(diagnostics.map(({ code }) => code)).not.toContain('KIND_UNKNOWN')
  expect(bundle?.policy.sigstore).toEqual({
    trusted_root: readTrustedRoot(JSON.stringify(FAKE.root)),
    tlog_min: 1,
    ctlog_min: 1,
    fulcio_url: 'https://fulcio.example',
    rekor_url: 'https://rekor.example',
    tsa_url: 'https://tsa.example/api/v1/timestamp',
    oidc_issuer: 'https://issuer.example/auth',
    client_id: 'sigstore',
  })
  const trust = bundle?.policy.sigstore
  if (trust === undefined) throw new Error('expected a root')
  const signed = FAKE.sign(new TextEncoder().encode('{}'))
  expect(verifySigstoreBundle(signed, trust).times).toEqual([NOW])
})

test('another root is another policy', async () => {
  const [one, other] = [
    await compiled(SOUND),
    await compiled(SOUND, JSON.stringify(fakeSigstore(NOW).root)),
  ]
  expect(one.bundle?.digest).not.toBe(other.bundle?.digest)
})

test('without it nothing is trusted, and the file is not read', async () => {
  const { bundle, diagnostics } = await compiled(null)
  expect(bundle?.policy).not.toHaveProperty('sigstore')
  expect(diagnostics.map(({ code, file }) => `${code} ${file}`)).toContain(`KIND_UNKNOWN ${FILE}`)
})

const { rekor_url: _, ...WITHOUT_LOG } = SOUND

test('a log may be left out where none is asked for', async () => {
  const { bundle } = await compiled({ ...WITHOUT_LOG, tlog_min: 0 })
  expect(bundle?.policy.sigstore).toMatchObject({ rekor_url: null, tlog_min: 0 })
})

test.for([
  { name: 'no such file', root: null, code: 'REFERENCE_UNKNOWN' },
  { name: 'a file that is no JSON', root: 'apiVersion: x', code: 'SIGSTORE_ROOT_INVALID' },
  { name: 'a file that is no trusted root', root: '{}', code: 'SIGSTORE_ROOT_INVALID' },
  { name: 'no log', sigstore: WITHOUT_LOG, code: 'KEY_MISSING' },
  {
    name: 'Fulcio without TLS',
    sigstore: { ...SOUND, fulcio_url: 'http://f.example' },
    code: 'VALUE_INVALID',
  },
  {
    name: 'an issuer without TLS',
    sigstore: { ...SOUND, oidc_issuer: 'http://i.example' },
    code: 'VALUE_INVALID',
  },
  {
    name: 'an address that is none',
    sigstore: { ...SOUND, tsa_url: 'tsa' },
    code: 'VALUE_INVALID',
  },
  {
    name: 'a path out of the repository',
    sigstore: { ...SOUND, trusted_root: '../root.json' },
    code: 'VALUE_INVALID',
  },
  { name: 'two logs wanted', sigstore: { ...SOUND, tlog_min: 2 }, code: 'VALUE_INVALID' },
  { name: 'an unknown key', sigstore: { ...SOUND, insecure: true }, code: 'KEY_UNKNOWN' },
])('$name -> $code', async ({ sigstore = SOUND, root, code }) => {
  const { bundle, diagnostics } = await compiled(
    sigstore,
    root === undefined ? JSON.stringify(FAKE.root) : root,
  )
  expect(bundle).toBeNull()
  expect(diagnostics.map((found) => found.code)).toContain(code)
})
