import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { reviewRequest } from '../../../src/app/approvals/review.ts'
import { type Engine, engineOf } from '../../../src/app/engine/engine.ts'
import { closeParts, openParts } from '../../../src/app/engine/open-engine.ts'
import type { Parts } from '../../../src/app/engine/parts.ts'
import { type AttestorOptions, openAttestor } from '../../../src/app/receipts/attestor.ts'
import { PolicyError } from '../../../src/base/errors.ts'
import type { Trust } from '../../../src/model/generated/types.ts'
import type { KeylessSigner } from '../../../src/model/ports.ts'
import type { Signing } from '../../fakes/sigstore/fake-sigstore.ts'
import { fakeSigstore, ISSUER } from '../../fakes/sigstore/fake-sigstore.ts'
import { bundleOf, CREDENTIAL, signerOf } from '../support.ts'

// An engine whose log is attested by an authority in this process.

export const START = Date.parse('2026-11-21T10:00:00Z')
export const FAKE = fakeSigstore(START)
export const ENGINE = { issuer: ISSUER, subject: 'engine@example.com' }

const HEAD = 'apiVersion: countersign/v1\nkind: '
export const ROOT_FILE = 'policies/sigstore/trusted_root.json'

export function projectOf(attest: string, root: object = FAKE.root): Record<string, string> {
  return {
    'countersign.yaml': `${HEAD}Project
project: shop
defaults: { low: allow, medium: allow, high: hold, critical: deny }
log: { attest: ${attest} }
grants: { lifetime: 60s }
sigstore:
  trusted_root: ${ROOT_FILE}
  fulcio_url: https://fulcio.example
  rekor_url: https://rekor.example
  tsa_url: https://tsa.example
  oidc_issuer: ${ISSUER}
`,
    [ROOT_FILE]: JSON.stringify(root),
  }
}

export const read = {
  agent: 'clerk',
  service: 'shop',
  action: 'read_order',
  payload: { id: 1 },
} as const
export const refund = {
  ...{ agent: 'clerk', service: 'shop', action: 'refund' },
  payload: { amount: 50, to: 'u-1' },
} as const

/** Signs as the engine, until it is told to fail. */
export function signer(signing: Signing = {}) {
  const state = { down: false as boolean | string, signed: 0 }
  const fail = () => {
    if (state.down === false) return
    const code = state.down === true ? 'SIGSTORE_UNREACHABLE' : (state.down as 'SIGSTORE_REFUSED')
    throw new PolicyError(code, 'Fulcio gave no whole answer; try again later', {
      retryable: code === 'SIGSTORE_UNREACHABLE',
    })
  }
  const keyless: KeylessSigner = {
    kind: 'sigstore',
    identity: async () => {
      fail()
      return ENGINE
    },
    sign: async (payload) => {
      fail()
      state.signed += 1
      return FAKE.sign(payload, { subject: ENGINE.subject, ...signing })
    },
  }
  return Object.assign(state, { keyless })
}

export type World = {
  readonly engine: Engine
  readonly parts: Parts
  readonly folder: string
  readonly attestor: (options?: Partial<AttestorOptions>) => ReturnType<typeof openAttestor>
  wait(ms: number): void
  /** Holds, approves or rejects a refund. @returns the request */
  end(verdict?: 'approve' | 'reject', amount?: number): Promise<string>
}

const folders: string[] = []
const opened: Parts[] = []

export async function worldOf(
  attest = '{}',
  given: {
    readonly folder?: string
    readonly options?: Partial<AttestorOptions>
    readonly files?: Readonly<Record<string, string>>
  } = {},
): Promise<World> {
  const folder = given.folder ?? mkdtempSync(join(tmpdir(), 'countersign-attest-'))
  if (given.folder === undefined) folders.push(folder)
  let now = START
  const parts = await openParts({
    bundle: await bundleOf({ ...projectOf(attest), ...given.files }),
    ...{ store: folder, credential: CREDENTIAL, clock: () => now },
    ...(given.options === undefined ? {} : { attest: given.options }),
  })
  opened.push(parts)
  const engine = engineOf(parts, () => closeParts(parts))
  return {
    ...{ engine, parts, folder },
    attestor: (options = {}) =>
      openAttestor(parts, { environment: {}, signer: signer().keyless, ...options }),
    wait: (ms) => {
      now += ms
    },
    end: async (verdict = 'approve', amount = 50) => {
      const held = await engine.defer({ ...refund, payload: { amount, to: `u-${amount}` } })
      await reviewRequest(parts, String(held.request), { verdict }, await signerOf('ana'))
      return String(held.request)
    },
  }
}

export async function closeWorlds(): Promise<readonly string[]> {
  for (const parts of opened.splice(0)) await closeParts(parts)
  return folders.splice(0)
}

export async function trustOf({ parts }: World, changes: object = {}): Promise<Trust> {
  const { origin, verifierKey } = parts.signer
  return {
    apiVersion: 'countersign/v1',
    kind: 'Trust',
    logs: [{ origin, keys: [verifierKey] }],
    sigstore: { trusted_root: { ...FAKE.root }, attesters: [ENGINE] },
    ...changes,
  }
}
