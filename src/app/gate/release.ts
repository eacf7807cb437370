import { digestOf } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import { compareText } from '../../base/position.ts'
import { openGit } from '../../host/git.ts'
import { findGitFolder } from '../../host/git-folder.ts'
import { commitOf, readPolicyRevision } from '../../host/policy-revision.ts'
import type { CompiledPolicy, CompiledRelease } from '../../model/generated/types.ts'
import type { Clock, RegoCompiler } from '../../model/ports.ts'
import type { ReleaseFacts, ReleaseGate, ReleaseProperty } from '../../model/release-gate.ts'
import {
  type EvidenceTerms,
  type JudgedEvidence,
  judgeCost,
  judgeEval,
  judgeLatency,
} from '../../policy/analyse/release-judge.ts'
import type { Bundle } from '../../policy/bundle/index.ts'
import { compile } from '../../policy/compile/index.ts'
import { filesDigest, releaseDigest } from '../../policy/compile/release-digest.ts'
import { checkCompiled, checkOutcome } from '../policy/check-policy.ts'
import { type CompiledFolder, compileFolder, withRegoCompiler } from '../policy/compile-policy.ts'
import { testCompiled } from '../policy/test-policy.ts'
import { artefactDigest, digestsBelow, type GivenArtefact, readOrWhy } from './release-files.ts'
import { placed } from './release-places.ts'
import { type RollbackProof, rollbackReady } from './release-rollback.ts'

export type ReleaseQuery = {
  /** Absolute: the policy repository. */
  readonly folder: string
  /** The commit whose policy judges, from Git's objects: the work tree is not looked at. Default: the folder's files. */
  readonly revision?: string
  /** The release's name, or the file of its manifest within the policy repository. */
  readonly name: string
  /** Absolute: where the files of prompt and tools lie. */
  readonly source: string
  /** Absolute: where the evidence lies. */
  readonly evidence: string
  readonly artefacts: readonly GivenArtefact[]
  /** How it is proven that the rollback target exists. */
  readonly rollback: RollbackProof
  readonly clock: Clock
}

/** What was judged, for those who attest it. */
export type JudgedRelease = {
  readonly gate: ReleaseGate
  /** Of the policy that judged. Null, as `compiled` is, when it does not compile. */
  readonly bundle: Bundle | null
  readonly compiled: CompiledRelease | null
  /** What was found of the evidence as a whole. */
  readonly isBound: boolean
}

/**
 * Judges whether a release of an agent may ship: its policy, what it is made of, its evidence, and what takes its place
 * when it fails. Whatever cannot be read, is stale, or is of another release denies; a threshold that is not reached
 * holds or denies, as the release says.
 *
 * @throws {PolicyError} RELEASE_UNKNOWN when the policy has no such release; FILE_UNREADABLE for the policy, its revision
 *   or an artefact; TRUST_INVALID; GIT_FAILED; REGO_COMPILER_FAILED
 */
export async function judgeRelease(query: ReleaseQuery): Promise<JudgedRelease> {
  const now = query.clock()
  return withRegoCompiler(async (rego) => {
    const compiled = await compiledOf(query, rego, now)
    const checked = policyChecked(compiled, now)
    const { bundle } = compiled
    if (bundle === null) return uncompiled(checked)
    const release = releaseIn(bundle.policy, query.name)
    const terms = { digest: releaseDigest(release), evidence: release.evidence, now }
    const judged = await judgeEvidence(release, query.evidence, terms)
    const found = [
      checked,
      await policyTested(compiled, rego),
      fingerprintApproved(release, bundle.policy),
      await filesMatch('prompt', release.prompt, query.source),
      await filesMatch('tools', release.tools, query.source),
      await artefactsMatch(release, query.artefacts),
      ...judged.list.map(({ property }) => property),
      fallbackReady(release, bundle.policy),
      await rollbackReady(
        { release, policy: bundle.policy, folder: query.folder, rego },
        query.rollback,
      ),
    ]
    const unbound = judged.list.filter(({ property, isBound }) => property.passed && !isBound)
    const properties = placed(found, release, compiled.files)
    const gate: ReleaseGate = {
      ...conclude(release, properties),
      release: factsOf(release, terms),
      policy: bundle.digest,
      properties,
      evidence: judged.files,
      not_proven: [
        ...unbound.map(
          ({ property: { file } }) =>
            `that ${file} is of this release: its age alone was looked at`,
        ),
        'that whoever wrote the evidence measured what it says',
      ],
      approval: null,
    }
    const isBound = judged.list.every((one) => one.isBound)
    return { gate, bundle, compiled: release, isBound }
  })
}

async function compiledOf(
  { folder, revision }: Pick<ReleaseQuery, 'folder' | 'revision'>,
  rego: RegoCompiler,
  now: number,
): Promise<CompiledFolder> {
  if (revision === undefined) return compileFolder(folder, rego, now)
  const { gitDir, prefix } = await findGitFolder(folder)
  const git = openGit(gitDir)
  const files = await readPolicyRevision(git, await commitOf(git, revision), prefix)
  return { files, ...(await compile(files, { rego, now })) }
}

/** What a set of properties comes to: the gravest of what each says. */
export function conclude(
  { agent, version }: Pick<CompiledRelease, 'agent' | 'version'>,
  properties: readonly ReleaseProperty[],
): Pick<ReleaseGate, 'verdict' | 'reason'> {
  const denied = properties.filter(({ says }) => says === 'deny')
  const held = properties.filter(({ says }) => says === 'hold')
  const verdict = denied.length > 0 ? 'deny' : held.length > 0 ? 'hold' : 'allow'
  const [first, ...more] = denied.length > 0 ? denied : held
  const also = more.length === 0 ? '' : ` (and ${more.length} more)`
  const reason =
    first === undefined
      ? `${agent} ${version} may ship: all of ${properties.length} properties hold`
      : `${first.id}: ${first.detail}${also}`
  return { verdict, reason }
}

function releaseIn({ releases = [] }: CompiledPolicy, name: string): CompiledRelease {
  const file = name.replace(/^\.\//, '')
  const found = releases.filter((one) => one.release === name || one.file === file)
  const [only, ...more] = found
  if (only !== undefined && more.length === 0) return only
  const meant = nearest(
    name,
    releases.map(({ release }) => release),
  )
  const advice = meant === undefined ? '' : `; did you mean ${meant}?`
  throw new PolicyError(
    'RELEASE_UNKNOWN',
    `the policy has no release ${JSON.stringify(name)}${advice}`,
  )
}

function passed(id: string, detail: string): ReleaseProperty {
  return { id, passed: true, says: 'allow', code: null, detail }
}

function denied(id: string, code: string, detail: string): ReleaseProperty {
  return { id, passed: false, says: 'deny', code, detail }
}

function policyChecked(compiled: CompiledFolder, now: number): ReleaseProperty {
  const id = 'policy-check'
  const check = checkCompiled(compiled, { now })
  if (checkOutcome(check) === 'passed') return passed(id, 'the policy has no errors')
  const found = check.diagnostics.filter(
    ({ severity }) => severity === 'error' || check.failLevel === 'warning',
  )
  const [first] = found
  const detail = `check finds ${found.length}, the first: ${first?.message ?? 'no bundle'}`
  const failed = denied(id, 'GATE_CHECK_FAILED', detail)
  return first === undefined ? failed : { ...failed, file: first.file, line: first.line }
}

/** Nothing that ran proves nothing, so a policy without tests has not passed them. */
async function policyTested(
  compiled: CompiledFolder,
  rego: RegoCompiler,
): Promise<ReleaseProperty> {
  const id = 'policy-tests'
  const failed = (detail: string) => denied(id, 'GATE_TESTS_FAILED', detail)
  const run = await testCompiled(compiled, rego)
  if (!('report' in run)) return failed('the tests do not compile')
  const { passed: good, failed: bad } = run.report
  if (bad > 0) return failed(`${bad} of ${good + bad} tests fail`)
  return good === 0
    ? failed('the policy has no tests')
    : passed(id, good === 1 ? '1 test passes' : `${good} tests pass`)
}

function uncompiled(checked: ReleaseProperty): JudgedRelease {
  const { detail } = checked
  const gate: ReleaseGate = {
    ...{ verdict: 'deny', reason: `policy-check: ${detail}`, release: null, policy: null },
    ...{ properties: [checked], evidence: [], not_proven: [], approval: null },
  }
  return { gate, bundle: null, compiled: null, isBound: false }
}

/** Compiling says so too; here it stands with the others. */
function fingerprintApproved(release: CompiledRelease, policy: CompiledPolicy): ReleaseProperty {
  const { agent, fingerprint } = release
  const approved = policy.agents.find((one) => one.agent === agent)?.fingerprints ?? []
  if (approved.length === 0) return passed('fingerprint', 'the Agent file asks for none')
  if (approved.includes(fingerprint)) return passed('fingerprint', `${fingerprint} is approved`)
  return denied('fingerprint', 'RELEASE_DIGEST_WRONG', `${agent} does not approve ${fingerprint}`)
}

async function filesMatch(
  id: 'prompt' | 'tools',
  stated: CompiledRelease['prompt'],
  folder: string,
): Promise<ReleaseProperty> {
  try {
    const found = filesDigest(await digestsBelow(folder, stated.files))
    if (found === stated.digest) return passed(id, found)
    return denied(id, 'RELEASE_DIGEST_WRONG', `expected ${stated.digest}, found ${found}`)
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    return {
      ...denied(id, error.code, error.message),
      ...(error.file === undefined ? {} : { file: error.file }),
    }
  }
}

/** All that is stated must be there, and nothing else is rolled out under this release's name. */
async function artefactsMatch(
  { artefacts }: CompiledRelease,
  given: readonly GivenArtefact[],
): Promise<ReleaseProperty> {
  const id = 'artefacts'
  const wrong = (detail: string) => denied(id, 'RELEASE_DIGEST_WRONG', detail)
  const found = new Set<string>()
  for (const one of given) {
    const digest = await artefactDigest(one)
    const stated = artefacts.find(({ name }) => name === one.name)
    if (one.name !== null && stated?.digest !== digest) {
      return wrong(`${one.name}: expected ${stated?.digest ?? 'no such artefact'}, found ${digest}`)
    }
    found.add(digest)
  }
  const missing = artefacts.find(({ digest }) => !found.has(digest))
  if (missing !== undefined) {
    return wrong(`none of what was given is ${missing.name}, ${missing.digest}`)
  }
  const stated = new Set(artefacts.map(({ digest }) => digest))
  const other = [...found].find((digest) => !stated.has(digest))
  if (other !== undefined) return wrong(`${other} is no artefact of this release`)
  return passed(id, artefacts.map(({ name, digest }) => `${name} ${digest}`).join(', '))
}

async function judgeEvidence(
  release: CompiledRelease,
  folder: string,
  terms: EvidenceTerms,
): Promise<{ readonly list: readonly JudgedEvidence[]; readonly files: ReleaseGate['evidence'] }> {
  const list: JudgedEvidence[] = []
  const files = new Map<string, string>()
  // Each file is read once: it is one thing, however often it is asked for.
  const known = new Map<string, Uint8Array | PolicyError>()
  const read = async (file: string): Promise<Uint8Array | PolicyError> => {
    const bytes = known.get(file) ?? (await readOrWhy(folder, file))
    known.set(file, bytes)
    if (!(bytes instanceof PolicyError)) files.set(file, digestOf(bytes))
    return bytes
  }
  for (const one of release.evals) list.push(judgeEval(one, await read(one.file), terms))
  for (const [index, one] of release.latency.entries()) {
    list.push(judgeLatency(one, index + 1, await read(one.file), terms))
  }
  const { cost } = release
  if (cost !== undefined) list.push(judgeCost(cost, await read(cost.file), terms))
  const sorted = [...files].sort(([a], [b]) => compareText(a, b))
  return { list, files: sorted.map(([file, digest]) => ({ file, digest })) }
}

/** That enough people are on the route, and can sign, is among what checking proves. */
function fallbackReady({ fallback }: CompiledRelease, policy: CompiledPolicy): ReleaseProperty {
  const route = policy.routes.find(({ id }) => id === fallback)
  if (route !== undefined) {
    const { quorum, reviewers } = route
    return passed('fallback', `${fallback}: ${quorum} of ${reviewers.length} people`)
  }
  return denied('fallback', 'RELEASE_FALLBACK_MISSING', `there is no route ${fallback}`)
}

function factsOf(release: CompiledRelease, { digest }: EvidenceTerms): ReleaseFacts {
  const { release: name, agent, version, fingerprint, prompt, tools, artefacts, rollback } = release
  return {
    ...{ release: name, agent, version, fingerprint, digest },
    ...{ prompt: prompt.digest, tools: tools.digest, artefacts, rollback },
  }
}
