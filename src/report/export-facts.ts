import { canonicalize } from '../base/canonical-json.ts'
import type { Disclosure } from '../base/commitments.ts'
import { openCommitments } from '../base/commitments.ts'
import type { JsonObject, JsonValue } from '../base/json-value.ts'
import { parsePath, readPath } from '../base/path.ts'
import type { Approval, Finding, Receipt, Resolution } from '../model/generated/types.ts'
import type { ExportHeader, ExportRecord, Members } from '../model/receipt-export.ts'
import { actionOf } from '../model/receipt-export.ts'

/** What a receipt says, as the tables of an export have it. Empty where it says nothing. */
export type ExportFacts = {
  readonly index: number
  /** RFC 3339, UTC. */
  readonly time: string
  readonly stage: string
  readonly decision: string
  readonly project: string
  readonly agent: string
  readonly role: string
  /** `(committed)` where fields of the action are hidden of which this may be one. */
  readonly principal: string
  readonly service: string
  readonly action: string
  /** `service.action`. */
  readonly tool: string
  /** Digest, and the name that the header gives it. */
  readonly policy: string
  readonly policyName: string
  readonly id: string
  readonly request: string
  readonly reason: string
  readonly heldAt: number | null
  /** Of an execution: the log index of what let it run. */
  readonly decidedAt: number | null
  readonly reviews: readonly ReviewFacts[]
  readonly routes: readonly string[]
  /** Of findings that were enforced: the rule of each, and what it found. */
  readonly rules: readonly string[]
  readonly findings: readonly string[]
  readonly grant: string
  readonly audience: string
  /** By the paths of the header's `show`; empty where a field is not shown. */
  readonly shown: ReadonlyMap<string, string>
}

export type ReviewFacts = {
  readonly reviewer: string
  readonly verdict: string
  /** `key`, `keyless`, or `none`: then there is only the engine's word. */
  readonly assurance: 'key' | 'keyless' | 'none'
  /** The key's fingerprint, the identity, or the account on the forge. */
  readonly by: string
  readonly breakGlass: boolean
}

/** Reads a receipt that has been checked, or that the engine has written. */
export function factsOf({ line, receipt }: ExportRecord, header: ExportHeader): ExportFacts {
  const predicate = receipt.predicate as Members
  const action = openedAction(receipt, line.disclosures)
  const resolution = predicate['resolution'] as Resolution | undefined
  const ran =
    line.patched === undefined || resolution?.patchedAction === undefined
      ? action
      : openCommitments(resolution.patchedAction as JsonObject, line.patched)
  const service = text(action['service'])
  const tool = text(action['action'])
  const policy = policyOf(predicate)
  const findings = ((predicate['findings'] ?? []) as readonly Finding[]).filter(
    ({ mode }) => mode === 'enforce',
  )
  const stage = stageOf(receipt)
  return {
    index: line.index,
    time: text(predicate['issuedAt']),
    stage,
    decision: decisionOf(predicate, stage),
    project: text(action['project']) || text(predicate['project']),
    agent: text(action['agent']),
    role: text(action['role']),
    principal: principalOf(action, receipt),
    ...{ service, action: tool, tool: service === '' ? '' : `${service}.${tool}` },
    ...{ policy, policyName: header.policies.find(({ digest }) => digest === policy)?.name ?? '' },
    id: text(predicate['id']),
    request: text(predicate['request']),
    reason: resolution?.reason ?? '',
    heldAt: resolution?.heldAt ?? null,
    decidedAt: typeof predicate['decidedAt'] === 'number' ? predicate['decidedAt'] : null,
    reviews: (resolution?.approvals ?? []).map(reviewOf),
    routes: (predicate['route'] ?? []) as readonly string[],
    rules: findings.map(({ rule }) => rule),
    findings: findings.map(({ message }) => message),
    grant: text(predicate['grant']),
    audience: text(predicate['audience']),
    shown: new Map(header.show.map((path) => [path, shownAt(ran, path)])),
  }
}

/** The clear value of a field where it is open; values of one path are joined. */
function shownAt(action: JsonObject, path: string): string {
  return readPath(action, parsePath(path))
    .map(({ value }) => (typeof value === 'string' ? value : canonicalize(value)))
    .join('; ')
}

function openedAction(
  receipt: Receipt,
  disclosures: readonly Disclosure[] | undefined,
): JsonObject {
  const action = actionOf(receipt) as JsonObject
  return disclosures === undefined ? action : openCommitments(action, disclosures)
}

function stageOf({ predicateType, predicate }: Receipt): string {
  const kind = /\/attestation\/([a-z-]+)\//.exec(predicateType)?.[1] ?? ''
  if (kind === 'decision') return text((predicate as Members)['stage'])
  return kind === 'log-genesis' ? 'genesis' : kind
}

/** The verdict, how a request ended, or what became of a grant, of a delivery, of inputs. */
function decisionOf(predicate: Members, stage: string): string {
  if (stage === 'genesis') return ''
  if (stage === 'erasure') return `erased ${text(predicate['scope'])}`
  const { type, outcome } = (predicate['step'] ?? {}) as Members
  if (stage === 'custody') return `${text(type)} ${text(outcome)}`.trimEnd()
  return text(predicate[stage === 'execution' ? 'stage' : 'decision'])
}

/** Payload, context and result are always committed: one digest more may be the principal's. */
function principalOf(action: JsonObject, receipt: Receipt): string {
  const principal = action['principal']
  if (principal !== undefined) return text(principal)
  const { _sd: digests, phase } = actionOf(receipt)
  const usual = phase === 'result' ? 3 : 2
  return Array.isArray(digests) && digests.length > usual ? '(committed)' : ''
}

function policyOf(predicate: Members): string {
  const digest = predicate['policyDigest'] as { readonly sha256?: string } | undefined
  return digest?.sha256 === undefined ? '' : `sha256:${digest.sha256}`
}

function reviewOf(approval: Approval): ReviewFacts {
  const { reviewer, verdict, fingerprint, identity, account, breakGlass } = approval
  const assurance = identity !== undefined ? 'keyless' : fingerprint !== undefined ? 'key' : 'none'
  const signer = identity === undefined ? fingerprint : `${identity.subject} (${identity.issuer})`
  const by = signer ?? (account === undefined ? '' : `account ${account}`)
  return { reviewer, verdict, assurance, by, breakGlass: breakGlass === true }
}

function text(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : canonicalize(value as JsonValue)
}
