import { sha256Hex } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { compareText } from '../../base/position.ts'
import type { Side } from '../../decide/behaviour/compare.ts'
import { END, nodeOf } from '../../decide/behaviour/index.ts'
import type { BaselineDocument } from '../../decide/behaviour/text.ts'
import type { Bundle } from '../../policy/bundle/index.ts'
import { RATE } from '../../policy/compile/baselines.ts'
import type { Documents, PolicyFiles } from '../../policy/compile/index.ts'
import { parseDocuments } from '../../policy/compile/index.ts'
import { compileFiles, firstError } from '../policy/compile-policy.ts'

/** Whose baseline. */
export type BaselineOwner = {
  readonly agent: string
  /** Null for every fingerprint that has no baseline of its own. */
  readonly fingerprint: string | null
}

/** A baseline in its file. */
export type FoundBaseline = {
  /** In the policy repository. */
  readonly file: string
  readonly text: string
  readonly document: BaselineDocument
}

/** The baselines of a policy repository. */
export type BaselineFiles = {
  readonly files: PolicyFiles
  readonly baselines: readonly FoundBaseline[]
  /** Whether a node's tool cannot be undone, or no Tools file says what it does. */
  readonly leadsToHarm: (node: string) => boolean
}

/** A policy repository, compiled, with its baselines. */
export type PolicyWithBaselines = BaselineFiles & { readonly bundle: Bundle }

/**
 * Compiles policy files and reads their baselines.
 *
 * @throws {PolicyError} the first complaint about the policy, with its place
 */
export async function openPolicyFiles(files: PolicyFiles): Promise<PolicyWithBaselines> {
  const bundle = await compileFiles(files)
  return { ...readBaselineFiles(files), bundle }
}

/**
 * Reads the baselines of policy files, which need not make a policy yet.
 *
 * @throws {PolicyError} the first complaint about a document, with its place
 */
export function readBaselineFiles(files: PolicyFiles): BaselineFiles {
  const { documents, diagnostics } = parseDocuments(files)
  if (diagnostics.some(({ severity }) => severity === 'error')) throw firstError(diagnostics)
  const baselines = documents.baselines.map((entry): FoundBaseline => {
    const { file } = entry.at('/agent')
    return { file, text: plainText(files.get(file) ?? ''), document: entry.value }
  })
  return { files, baselines, leadsToHarm: harmOf(documents) }
}

/**
 * One baseline from its file's text.
 *
 * @throws {PolicyError} BASELINE_INVALID, or what else is wrong with the text
 */
export function readBaselineText(file: string, text: string): FoundBaseline {
  const { documents, diagnostics } = parseDocuments(new Map([[file, text]]))
  if (diagnostics.some(({ severity }) => severity === 'error')) throw firstError(diagnostics)
  const [entry] = documents.baselines
  if (entry !== undefined) return { file, text: plainText(text), document: entry.value }
  throw new PolicyError('BASELINE_INVALID', 'expected a document of the kind Baseline', { file })
}

/**
 * The baseline of an agent's fingerprint; null when there is none.
 *
 * @throws {PolicyError} BASELINE_INVALID when its file holds other documents too, which writing it would drop
 */
export function findBaseline(
  { baselines, files }: Pick<BaselineFiles, 'baselines' | 'files'>,
  { agent, fingerprint }: BaselineOwner,
): FoundBaseline | null {
  const found = baselines.find(
    ({ document }) => document.agent === agent && (document.fingerprint ?? null) === fingerprint,
  )
  if (found === undefined) return null
  const documents = (files.get(found.file) ?? '').split(/^---(?:\s|$)/m).filter(hasContent)
  if (documents.length > 1) {
    throw new PolicyError(
      'BASELINE_INVALID',
      `expected ${found.file} to hold the baseline and nothing else; move the other documents`,
      { file: found.file },
    )
  }
  return found
}

/** @throws {PolicyError} BASELINE_INVALID when there is none */
export function requireBaseline(
  policy: Pick<BaselineFiles, 'baselines' | 'files'>,
  owner: BaselineOwner,
): FoundBaseline {
  const found = findBaseline(policy, owner)
  if (found !== null) return found
  const known = policy.baselines.map(({ document }) => document.agent).sort(compareText)
  const others = known.length === 0 ? 'there is none yet' : `there is one of ${known.join(', ')}`
  throw new PolicyError(
    'BASELINE_MISSING',
    `no baseline of ${ownerName(owner)}: ${others}; learn one with \`countersign baseline learn\``,
  )
}

/** Whether a baseline is the one that an agent's sessions with a fingerprint are judged by. */
export function coverageOf(
  baselines: readonly FoundBaseline[],
  { agent, fingerprint }: BaselineOwner,
): (other: string | null) => boolean {
  if (fingerprint !== null) return (other) => other === fingerprint
  const own = new Set(
    baselines.flatMap(({ document }) =>
      document.agent === agent ? [document.fingerprint ?? null] : [],
    ),
  )
  own.delete(null)
  return (other) => !own.has(other)
}

/**
 * Where a new baseline goes: a name of its agent, and of its fingerprint as far as a file's name can show it.
 *
 * @param taken - whether a file is there already: `a-b` may be an agent, or the fingerprint `b` of the agent `a`
 */
export function baselineFile(
  { agent, fingerprint }: BaselineOwner,
  taken: (file: string) => boolean = () => false,
): string {
  const plain = (fingerprint ?? '').replaceAll(/[^A-Za-z0-9_.-]+/g, '-').slice(0, PLAIN_LENGTH_MAX)
  const name = fingerprint === null ? agent : `${agent}-${plain}`
  const marked = `policies/baselines/${name}-${sha256Hex(fingerprint ?? '').slice(0, 8)}.yaml`
  // Two fingerprints may look alike once they are plain.
  if (fingerprint !== null && plain !== fingerprint) return marked
  const file = `policies/baselines/${name}.yaml`
  return taken(file) ? marked : file
}

const PLAIN_LENGTH_MAX = 64

/** `retail-bot`, or `retail-bot (model-3)`. */
export function ownerName({ agent, fingerprint }: BaselineOwner): string {
  return fingerprint === null ? agent : `${agent} (${fingerprint})`
}

export function ownerOf({ agent, fingerprint }: BaselineDocument): BaselineOwner {
  return { agent, fingerprint: fingerprint ?? null }
}

/** A baseline as it counts. */
export function sideOf({ snapshot, half_life }: BaselineDocument): Side {
  return { snapshot, halfLife: half_life ?? null }
}

/** The share of normal sessions that may raise an alarm. */
export function rateOf({ rate = RATE }: Pick<BaselineDocument, 'rate'>): number {
  return rate
}

/** As the compiler reads it. */
function plainText(text: string): string {
  return text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n')
}

/** Whether something stands in a part of a file beside comments. */
function hasContent(text: string): boolean {
  return text.split('\n').some((line) => !/^\s*(?:#.*)?$/.test(line))
}

function harmOf({ tools }: Documents): (node: string) => boolean {
  const effects = new Map(
    tools.flatMap(({ value }) =>
      Object.entries(value.tools).map(
        ([action, { effect }]) => [nodeOf(value.service, action), effect] as const,
      ),
    ),
  )
  return (node) => {
    const effect = effects.get(node)
    return node !== END && effect !== 'read' && effect !== 'write'
  }
}
