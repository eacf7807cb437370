import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { type Engine, engineOf } from '../../src/app/engine/engine.ts'
import { closeParts, type OpenOptions, openParts } from '../../src/app/engine/open-engine.ts'
import type { Parts } from '../../src/app/engine/parts.ts'
import { generateSshKey, type SshKeyPair, writeSshKey } from '../../src/host/ssh-key.ts'
import { openReviewSigner } from '../../src/host/ssh-signer.ts'
import type { Credential } from '../../src/model/nouns.ts'
import type { Clock, Forge, Notifier, ReviewSigner } from '../../src/model/ports.ts'
import type { Bundle } from '../../src/policy/bundle/index.ts'
import { type Compiled, compile } from '../../src/policy/compile/index.ts'

/** Two reviewers' keys, made once a test file. */
export const KEYS: Readonly<Record<'ana' | 'bo', SshKeyPair>> = {
  ana: generateSshKey('ana'),
  bo: generateSshKey('bo'),
}

export const CREDENTIAL: Credential = { project: 'shop', agents: ['clerk'], role: 'agent' }

/** A policy repository without Rego: reads pass, refunds are held, deletes are denied. */
export function policyFiles(changes: Readonly<Record<string, string>> = {}): Map<string, string> {
  const head = 'apiVersion: countersign/v1\nkind: '
  return new Map(
    Object.entries({
      'countersign.yaml': `${head}Project\nproject: shop\ndefaults: { low: allow, medium: allow, high: hold, critical: deny }\n`,
      'policies/agents/clerk.yaml': `${head}Agent\nagent: clerk\nscopes: [{ tools: ['shop.read_*', 'shop.refund', 'shop.delete', 'shop.mail'] }]\n`,
      'policies/tools/shop.yaml': `${head}Tools\nservice: shop\ntools:\n  read_order: { effect: read }\n  refund: { effect: irreversible, priority: high }\n  delete: { effect: irreversible, priority: critical }\n  mail: { effect: write, private: [principal] }\n`,
      'policies/guardrails/refunds.yaml': `${head}Guardrails\nrules:\n  - id: refunds/too-many\n    on: { action: refund }\n    velocity: { limit: 100, per: 1h }\n    then: deny\n  - id: refunds/any\n    on: { action: refund }\n    then: hold\n    route: payments\n  - id: refunds/large\n    on: { action: refund }\n    pattern: { path: payload.amount, above: 1000 }\n    then: hold\n    route: board\n  - id: mail/card-number\n    on: { action: mail }\n    pattern: { path: payload.text, matches: '[0-9]{16}', if_missing: pass }\n    then: redact\n    redact: [payload.text]\n`,
      'policies/routes/routes.yaml': `${head}Routes\nroutes:\n  - { id: default, reviewers: [ana, bo], time_out: 1h }\n  - { id: payments, reviewers: [ana, bo], time_out: 1h, show: [payload.amount] }\n  - { id: board, reviewers: [bo], time_out: 1h }\n`,
      'policies/roster.yaml': `${head}Roster\npeople:\n${Object.entries(KEYS)
        .map(
          ([id, { fingerprint }]) =>
            `  - { id: ${id}, keys: [{ fingerprint: '${fingerprint}' }] }\n`,
        )
        .join('')}`,
      ...changes,
    }).filter(([, text]) => text !== ''),
  )
}

/** Compiles files that hold no Rego. */
export async function bundleOf(changes: Readonly<Record<string, string>> = {}): Promise<Bundle> {
  const { bundle, diagnostics } = await compileFiles(policyFiles(changes))
  if (bundle === null) throw new Error(JSON.stringify(diagnostics, null, 2))
  return bundle
}

/** What compiling files without Rego gives, wrong or right. */
export function compileFiles(files: ReadonlyMap<string, string>): Promise<Compiled> {
  const refuse = () => Promise.reject(new Error('these files hold no Rego'))
  return compile(files, {
    rego: {
      check: refuse,
      build: refuse,
      plan: refuse,
      format: refuse,
      test: refuse,
      warm: () => undefined,
      close: async () => undefined,
    },
  })
}

const folders: string[] = []
const opened: Parts[] = []

/** A temporary folder that goes after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-test-'))
  folders.push(folder)
  return folder
}

afterEach(async () => {
  for (const parts of opened.splice(0)) await closeParts(parts)
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

export type Opened = { readonly engine: Engine; readonly parts: Parts; readonly folder: string }

export async function openTest(
  options: {
    readonly folder?: string
    readonly bundle?: Bundle
    readonly forge?: Forge
    readonly clock?: Clock
    readonly credential?: Credential
    readonly secrets?: OpenOptions['secrets']
    readonly notifier?: Notifier
    readonly opensPulls?: boolean
  } = {},
): Promise<Opened> {
  const folder = options.folder ?? temporaryFolder()
  const parts = await openParts({
    bundle: options.bundle ?? (await bundleOf()),
    store: folder,
    credential: options.credential ?? CREDENTIAL,
    ...(options.forge === undefined ? {} : { forge: options.forge }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(options.secrets === undefined ? {} : { secrets: options.secrets }),
    ...(options.notifier === undefined ? {} : { notifier: options.notifier }),
    opensPulls: options.opensPulls ?? true,
  })
  opened.push(parts)
  return { engine: engineOf(parts, () => closeParts(parts)), parts, folder }
}

/** A reviewer's key as the command line opens it. */
export async function signerOf(person: keyof typeof KEYS): Promise<ReviewSigner> {
  const folder = temporaryFolder()
  const file = join(folder, 'key')
  await writeSshKey(file, KEYS[person])
  return openReviewSigner({ keyFile: file })
}
