import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { closeParts } from '../../../src/app/engine/open-engine.ts'
import type { ReloadOptions } from '../../../src/app/engine/reload.ts'
import { openReloader } from '../../../src/app/engine/reload.ts'
import type { BundleSource } from '../../../src/host/bundle-feed.ts'
import { openBundleFeed } from '../../../src/host/bundle-feed.ts'
import type { Trust } from '../../../src/model/generated/types.ts'
import { BUNDLE_NAMESPACE } from '../../../src/model/ports.ts'
import type { Bundle } from '../../../src/policy/bundle/index.ts'
import { writeBundle } from '../../../src/policy/bundle/index.ts'
import { bundleStatement, formatBundleSignature } from '../../../src/trust/verify/index.ts'
import { bundleOf, KEYS, openTest, policyFiles, signerOf, temporaryFolder } from '../support.ts'

// A new bundle takes effect between two actions, keeps state, and is refused when anything about it is wrong.

const RULES = policyFiles().get('policies/guardrails/refunds.yaml') ?? ''
const PROJECT = policyFiles().get('countersign.yaml') ?? ''
const READS_DENIED = {
  'policies/guardrails/refunds.yaml': `${RULES}  - id: reads/closed\n    on: { action: read_order }\n    then: deny\n`,
}
const READ = { agent: 'clerk', service: 'shop', action: 'read_order' } as const
const TRUST: Trust = {
  apiVersion: 'countersign/v1',
  kind: 'Trust',
  logs: [
    {
      origin: 'countersign.local/shop',
      keys: ['countersign.local/shop+be96a3ae+AQHZ74IlR8DZv1NCfCb2X8BV14kHU4qPF8GqvoAfoBAx'],
    },
  ],
  bundle_signers: [{ id: 'ana', fingerprints: [KEYS.ana.fingerprint] }],
}
const NOON = Date.parse('2026-05-01T12:00:00Z')

describe('a bundle file', () => {
  test('an unchanged one changes nothing, another is taken between two actions', async () => {
    const { engine, place, reload } = await watched()
    expect(await reload()).toMatchObject({ state: 'unchanged' })
    expect((await engine.decide(READ)).verdict).toBe('allow')
    place(await bundleOf(READS_DENIED))
    const before = engine.decide(READ)
    expect(await reload()).toMatchObject({ state: 'armed' })
    expect((await before).verdict).toBe('allow')
    expect((await engine.decide(READ)).verdict).toBe('deny')
    expect(await reload()).toMatchObject({ state: 'unchanged' })
  })

  test('counters go on across bundles', async () => {
    const limited = (limit: number) => ({
      'policies/guardrails/reads.yaml': `apiVersion: countersign/v1\nkind: Guardrails\nrules:\n  - id: reads/many\n    on: { action: read_order }\n    velocity: { limit: ${limit}, per: 1h }\n    then: deny\n`,
    })
    const { engine, place, reload } = await watched({ bundle: await bundleOf(limited(3)) })
    for (let i = 0; i < 2; i++) expect((await engine.decide(READ)).verdict).toBe('allow')
    place(await bundleOf(limited(2)))
    await reload()
    expect((await engine.decide(READ)).verdict).toBe('deny')
  })

  test.for<{ name: string; code: string; next: () => Promise<Bundle | string> }>([
    { name: 'no bundle', code: 'BUNDLE_CORRUPT', next: async () => 'no bundle' },
    {
      name: 'of another project',
      code: 'PROJECT_NOT_OWNED',
      next: () => bundleOf({ 'countersign.yaml': PROJECT.replace('shop', 'bank') }),
    },
    {
      name: 'that has expired',
      code: 'BUNDLE_EXPIRED',
      next: () => bundleOf({ 'countersign.yaml': `${PROJECT}valid_until: 2026-01-01T00:00:00Z\n` }),
    },
    {
      name: 'with another log',
      code: 'BUNDLE_NEEDS_RESTART',
      next: () =>
        bundleOf({ 'countersign.yaml': `${PROJECT}log: { origin: other.example/log }\n` }),
    },
    {
      name: 'that allows what it says must be refused',
      code: 'BUNDLE_SELF_TEST',
      next: () => bundleOf({ 'countersign.yaml': forbidding('read_order') }),
    },
  ])('$name -> $code, and the engine goes on as before', async ({ code, next }) => {
    const { engine, place, reload, parts } = await watched()
    const before = parts.judge.bundle.digest
    place(await next())
    await expect(reload()).rejects.toMatchObject({ code })
    expect(parts.judge.bundle.digest).toBe(before)
    expect((await engine.decide(READ)).verdict).toBe('allow')
  })

  test('a new bundle cannot drop the self-test of the one before', async () => {
    const { place, reload } = await watched({
      bundle: await bundleOf({ 'countersign.yaml': forbidding('delete') }),
    })
    const open = 'defaults: { low: allow, medium: allow, high: allow, critical: allow }'
    place(await bundleOf({ 'countersign.yaml': PROJECT.replace(/defaults: .*/, open) }))
    await expect(reload()).rejects.toMatchObject({
      code: 'BUNDLE_SELF_TEST',
      message: expect.stringContaining('no deleting'),
    })
  })

  test('a bundle that does not meet its own self-test is not opened either', async () => {
    const bundle = await bundleOf({ 'countersign.yaml': forbidding('read_order') })
    await expect(openTest({ bundle })).rejects.toMatchObject({ code: 'BUNDLE_SELF_TEST' })
  })

  test('a file that is gone -> BUNDLE_UNREACHABLE, and the next look finds it again', async () => {
    const { file, place, reload } = await watched()
    rmSync(file)
    await expect(reload()).rejects.toMatchObject({ code: 'BUNDLE_UNREACHABLE', retryable: true })
    place(await bundleOf(READS_DENIED))
    expect(await reload()).toMatchObject({ state: 'armed' })
  })
})

describe('a bundle that must be signed', () => {
  test('is taken with the signature of a signer of the trust file', async () => {
    const { place, reload } = await watched({ trust: TRUST, issuedAt: NOON })
    place(await bundleOf(READS_DENIED), await signature(await bundleOf(READS_DENIED), NOON + 1))
    expect(await reload()).toMatchObject({ state: 'armed' })
  })

  test.for<{ name: string; code: string; sign: (bundle: Bundle) => Promise<string | null> }>([
    { name: 'no signature', code: 'BUNDLE_UNSIGNED', sign: async () => null },
    {
      name: "another person's",
      code: 'BUNDLE_UNTRUSTED',
      sign: (bundle) => signature(bundle, NOON + 1, 'bo'),
    },
    {
      name: 'that of another bundle',
      code: 'BUNDLE_UNTRUSTED',
      sign: async () => signature(await bundleOf(), NOON + 1),
    },
    {
      name: 'one for another purpose',
      code: 'BUNDLE_UNTRUSTED',
      sign: (bundle) => signature(bundle, NOON + 1, 'ana', 'countersign-review'),
    },
    {
      name: 'one whose statement was changed',
      code: 'BUNDLE_UNTRUSTED',
      sign: async (bundle) => (await signature(bundle, NOON - 1)).replace('11:59', '12:59'),
    },
    { name: 'no JSON', code: 'BUNDLE_UNTRUSTED', sign: async () => '{' },
    {
      name: 'an older one',
      code: 'BUNDLE_OLDER',
      sign: (bundle) => signature(bundle, NOON - 1),
    },
  ])('$name -> $code', async ({ code, sign }) => {
    const { place, reload, parts } = await watched({ trust: TRUST, issuedAt: NOON })
    expect(await reload()).toMatchObject({ state: 'unchanged' })
    const before = parts.judge.bundle.digest
    const next = await bundleOf(READS_DENIED)
    place(next, await sign(next))
    await expect(reload()).rejects.toMatchObject({ code })
    expect(parts.judge.bundle.digest).toBe(before)
  })

  test('what was taken last is remembered over a restart', async () => {
    const { folder, file, reload, parts } = await watched({ trust: TRUST, issuedAt: NOON })
    await reload()
    await closeParts(parts)
    const again = await watched({ trust: TRUST, issuedAt: NOON - 1, folder, file })
    await expect(again.reload()).rejects.toMatchObject({ code: 'BUNDLE_OLDER' })
  })

  test('a damaged memory -> STORE_FAILED', async () => {
    const { folder, reload } = await watched({ trust: TRUST, issuedAt: NOON })
    writeFileSync(join(folder, 'armed.json'), '{}')
    await expect(reload()).rejects.toMatchObject({ code: 'STORE_FAILED' })
  })
})

test('what cannot be remembered is not taken', async () => {
  const { place, file, parts } = await watched()
  const feed = openBundleFeed({ file })
  const reloader = openReloader(parts, { feed, folder: join(temporaryFolder(), 'gone') })
  const before = parts.judge.bundle.digest
  place(await bundleOf(READS_DENIED))
  await expect(reloader.reload()).rejects.toThrow('cannot write')
  expect(parts.judge.bundle.digest).toBe(before)
})

describe('an engine that is opened again with an older policy', () => {
  const reopened = async (feed: (file: string) => Promise<void>) => {
    const { folder, file, place, reload, parts } = await watched({ trust: TRUST, issuedAt: NOON })
    const next = await bundleOf(READS_DENIED)
    place(next, await signature(next, NOON + 1))
    await reload()
    await closeParts(parts)
    await feed(file)
    const { open } = await import('../../../src/app/engine/open-engine.ts')
    return open({
      bundle: await bundleOf(),
      store: folder,
      credential: { project: 'shop', agents: ['clerk'], role: 'agent' },
      updates: { from: { file }, trust: JSON.stringify(TRUST) },
    })
  }

  test('judges by the one taken last from the first action on', async () => {
    const engine = await reopened(async () => undefined)
    expect((await engine.decide(READ)).verdict).toBe('deny')
    await engine.close()
  })

  test.for<{ name: string; code: string; feed: (file: string) => Promise<void> }>([
    {
      name: 'the older one, signed, in its place',
      code: 'BUNDLE_OLDER',
      feed: async (file) => {
        const old = await bundleOf()
        writeFileSync(file, writeBundle(old))
        writeFileSync(`${file}.sig`, await signature(old, NOON))
      },
    },
    {
      name: 'the older one without a signature',
      code: 'BUNDLE_UNSIGNED',
      feed: async (file) => {
        writeFileSync(file, writeBundle(await bundleOf()))
        rmSync(`${file}.sig`)
      },
    },
    {
      name: 'nothing there',
      code: 'BUNDLE_UNREACHABLE',
      feed: async (file) => rmSync(file),
    },
  ])('$name -> $code, and no engine', async ({ code, feed }) => {
    await expect(reopened(feed)).rejects.toMatchObject({ code })
  })
})

describe('a Git revision', () => {
  test('a commit that follows is taken, one that does not is refused', async () => {
    const repository = repositoryWith(policyFiles())
    const source = { git: repository.folder, revision: 'main' }
    const { reload, parts, engine } = await watched({ source })
    const first = repository.commit('first')
    await reload()
    repository.write(READS_DENIED)
    repository.commit('second')
    expect(await reload()).toMatchObject({ state: 'armed' })
    expect((await engine.decide(READ)).verdict).toBe('deny')
    const { digest } = parts.judge.bundle
    repository.git('reset', '--hard', first)
    await expect(reload()).rejects.toMatchObject({ code: 'BUNDLE_OLDER' })
    repository.write({ 'policies/guardrails/refunds.yaml': 'kind: [' })
    repository.commit('broken')
    await expect(reload()).rejects.toThrow()
    expect(parts.judge.bundle.digest).toBe(digest)
  })

  test('a commit must be signed by a signer of the trust file', async () => {
    const repository = repositoryWith(policyFiles())
    const source = { git: repository.folder, revision: 'main' }
    const { reload } = await watched({ source, trust: TRUST })
    repository.commit('unsigned')
    await expect(reload()).rejects.toMatchObject({ code: 'BUNDLE_UNSIGNED' })
    repository.commit('of another', KEYS.bo.privateKey)
    await expect(reload()).rejects.toMatchObject({ code: 'BUNDLE_UNTRUSTED' })
    repository.write(READS_DENIED)
    repository.commit('signed', KEYS.ana.privateKey)
    expect(await reload()).toMatchObject({ state: 'armed' })
  })

  test('a revision that is not there -> BUNDLE_UNREACHABLE', async () => {
    const repository = repositoryWith(policyFiles())
    repository.commit('first')
    const { reload } = await watched({ source: { git: repository.folder, revision: 'gone' } })
    await expect(reload()).rejects.toMatchObject({ code: 'BUNDLE_UNREACHABLE' })
  })
})

describe('an address', () => {
  test('the entity tag saves the way, another body is taken, an outage changes nothing', async () => {
    const server = await serve()
    server.body = writeBundle(await bundleOf())
    const { reload, parts } = await watched({ source: { url: server.url } })
    expect(await reload()).toMatchObject({ state: 'unchanged' })
    expect(await reload()).toMatchObject({ state: 'unchanged' })
    expect(server.asked).toEqual([undefined, '"1"'])
    server.body = writeBundle(await bundleOf(READS_DENIED))
    server.tag = '"2"'
    expect(await reload()).toMatchObject({ state: 'armed' })
    const { digest } = parts.judge.bundle
    server.status = 503
    await expect(reload()).rejects.toMatchObject({ code: 'BUNDLE_UNREACHABLE' })
    server.status = 302
    await expect(reload()).rejects.toMatchObject({ code: 'BUNDLE_UNREACHABLE' })
    expect(parts.judge.bundle.digest).toBe(digest)
  })

  test('a server that says 304 to a question without a condition -> BUNDLE_UNREACHABLE', async () => {
    const server = await serve()
    server.status = 304
    const { reload } = await watched({ source: { url: server.url } })
    await expect(reload()).rejects.toMatchObject({ code: 'BUNDLE_UNREACHABLE' })
  })

  test.for(['http://policies.example/p.bundle', 'ftp://127.0.0.1/p', 'file:///etc/passwd'])(
    '%s -> USAGE_INVALID',
    (url) => {
      expect(() => openBundleFeed({ url })).toThrow(
        expect.objectContaining({ code: 'USAGE_INVALID' }),
      )
    },
  )
})

test('an engine that is told so looks by itself', async () => {
  const folder = temporaryFolder()
  const file = join(folder, 'p.bundle')
  writeFileSync(file, writeBundle(await bundleOf()))
  const { open } = await import('../../../src/app/engine/open-engine.ts')
  const { promise, resolve } = Promise.withResolvers<unknown>()
  const engine = await open({
    bundle: await bundleOf(),
    store: join(folder, 'data'),
    credential: { project: 'shop', agents: ['clerk'], role: 'agent' },
    updates: { from: { file }, everyMs: 20, onLook: resolve },
  })
  try {
    writeFileSync(file, writeBundle(await bundleOf(READS_DENIED)))
    expect(await promise).toMatchObject({ state: 'armed' })
    expect((await engine.decide(READ)).verdict).toBe('deny')
  } finally {
    await engine.close()
  }
})

type Watched = {
  readonly bundle?: Bundle
  readonly source?: BundleSource
  readonly trust?: NonNullable<ReloadOptions['trust']>
  readonly issuedAt?: number
  readonly folder?: string
  readonly file?: string
}

/** An engine and a source that holds its own bundle. */
async function watched({ source, trust, issuedAt, ...given }: Watched = {}) {
  const bundle = given.bundle ?? (await bundleOf())
  const opened = await openTest({
    bundle,
    ...(given.folder === undefined ? {} : { folder: given.folder }),
  })
  const file = given.file ?? join(temporaryFolder(), 'p.bundle')
  const place = (next: Bundle | string, signed: string | null = null) => {
    writeFileSync(file, typeof next === 'string' ? next : writeBundle(next))
    rmSync(`${file}.sig`, { force: true })
    if (signed !== null) writeFileSync(`${file}.sig`, signed)
  }
  place(bundle, issuedAt === undefined ? null : await signature(bundle, issuedAt))
  const reloader = openReloader(opened.parts, {
    feed: openBundleFeed(source ?? { file }),
    folder: opened.folder,
    ...(trust === undefined ? {} : { trust }),
  })
  return { ...opened, file, place, reload: () => reloader.reload() }
}

async function signature(
  { digest, policy }: Bundle,
  issuedAt: number,
  person: keyof typeof KEYS = 'ana',
  namespace: string = BUNDLE_NAMESPACE,
): Promise<string> {
  const statement = bundleStatement({ project: policy.project, digest, issuedAt })
  const signer = await signerOf(person)
  return formatBundleSignature(statement, await signer.sign(statement, namespace))
}

function forbidding(action: string): string {
  return `${PROJECT}self_test:\n  - name: no deleting\n    action: { agent: clerk, service: shop, action: ${action} }\n`
}

function repositoryWith(files: ReadonlyMap<string, string>) {
  const folder = temporaryFolder()
  const env = { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null', HOME: folder }
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, env }).toString()
  const write = (changes: Readonly<Record<string, string>>) => {
    for (const [path, text] of Object.entries(changes)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
  }
  git('init', '-q', '-b', 'main')
  git('config', 'user.name', 'Ana')
  git('config', 'user.email', 'ana@example.com')
  write(Object.fromEntries(files))
  const commit = (message: string, key?: string): string => {
    const args = ['-q', '--allow-empty', '-m', message]
    git('add', '-A')
    if (key === undefined) git('commit', ...args)
    else {
      const file = join(temporaryFolder(), 'key')
      writeFileSync(file, key, { mode: 0o600 })
      const signing = ['-c', 'gpg.format=ssh', '-c', `user.signingkey=${file}`]
      git(...signing, 'commit', '-S', ...args)
    }
    return git('rev-parse', 'HEAD').trim()
  }
  return { folder, git, write, commit }
}

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function serve() {
  const state = {
    body: new Uint8Array() as Uint8Array,
    tag: '"1"',
    status: 200,
    asked: [] as (string | undefined)[],
    url: '',
  }
  const server = createServer((request, response) => {
    if (request.url?.endsWith('.sig') === true) {
      response.writeHead(404).end()
      return
    }
    state.asked.push(request.headers['if-none-match'])
    if (state.status === 302) response.writeHead(302, { location: '/elsewhere' }).end()
    else if (state.status !== 200) response.writeHead(state.status).end()
    else if (request.headers['if-none-match'] === state.tag) response.writeHead(304).end()
    else response.writeHead(200, { etag: state.tag }).end(state.body)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/p.bundle`
  return state
}
