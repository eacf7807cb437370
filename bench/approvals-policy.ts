import { generateSshKey, writeSshKey } from '../src/host/ssh-key.ts'
import { openReviewSigner } from '../src/host/ssh-signer.ts'
import type { ReviewSigner } from '../src/model/ports.ts'
import type { Bundle } from '../src/policy/bundle/index.ts'
import { compile } from '../src/policy/compile/index.ts'

const HEAD = 'apiVersion: countersign/v1\nkind: '

/** A policy that holds every refund for one reviewer with an account on the forge, and that reviewer's key. */
export async function approvalsPolicy(around: {
  readonly apiUrl: string
  readonly account: number
  readonly poll: string
  readonly keyFile: string
}): Promise<{ readonly bundle: Bundle; readonly signer: ReviewSigner }> {
  const { apiUrl, account, poll, keyFile } = around
  const key = generateSshKey('ana')
  await writeSshKey(keyFile, key)
  const files = {
    'countersign.yaml': `${HEAD}Project\nproject: shop\nforge: { kind: github, repository: acme/approvals, api_url: '${apiUrl}', poll: ${poll} }\n`,
    'policies/agent.yaml': `${HEAD}Agent\nagent: clerk\nscopes: [{ tools: ['shop.*'] }]\n`,
    'policies/tools.yaml': `${HEAD}Tools\nservice: shop\ntools: { refund: { effect: irreversible } }\n`,
    'policies/rules.yaml': `${HEAD}Guardrails\nrules: [{ id: shop/refund, on: { action: refund }, then: hold }]\n`,
    'policies/routes.yaml': `${HEAD}Routes\nroutes: [{ id: default, reviewers: [ana], time_out: 24h }]\n`,
    'policies/roster.yaml': `${HEAD}Roster\npeople:\n  - { id: ana, keys: [{ fingerprint: '${key.fingerprint}' }], accounts: { github: '${account}' } }\n`,
  }
  const refuse = () => Promise.reject(new Error('these files hold no Rego'))
  const rego = {
    ...{ check: refuse, build: refuse, plan: refuse, format: refuse, test: refuse },
    warm: () => undefined,
    close: async () => undefined,
  }
  const { bundle, diagnostics } = await compile(new Map(Object.entries(files)), { rego })
  if (bundle === null) throw new Error(JSON.stringify(diagnostics))
  return { bundle, signer: await openReviewSigner({ keyFile }) }
}
