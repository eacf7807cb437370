import { relative, resolve, sep } from 'node:path'
import { openForge } from '../../src/app/approvals/open-forge.ts'
import { closeParts, openAsOwner } from '../../src/app/engine/open-engine.ts'
import { type JudgedRelease, judgeRelease, type ReleaseQuery } from '../../src/app/gate/release.ts'
import { attestRelease, forgetRelease } from '../../src/app/gate/release-attest.ts'
import { askForRelease } from '../../src/app/gate/release-request.ts'
import { isDigest } from '../../src/base/digest.ts'
import { PolicyError } from '../../src/base/errors.ts'
import type { ReleaseGate } from '../../src/model/release-gate.ts'
import { annotationsOfRelease, releaseMarkdown } from '../../src/report/release.ts'
import { sarifLog } from '../../src/report/sarif.ts'
import { assertPlain } from '../clone.ts'
import type { Inputs } from '../inputs.ts'
import type { Judged, JudgeTarget } from '../judged.ts'
import type { Target } from '../targets.ts'
import { VERSION } from '../version.ts'

/**
 * Judges a release of an agent, by the policy of a commit: a build may have changed the work tree. What may ship is
 * attested where that is asked for.
 */
export function releaseMode(inputs: Inputs, environment: NodeJS.ProcessEnv): JudgeTarget {
  const { policy, workspace, attest } = inputs
  return async (target) => {
    if (attest !== null) forgetRelease(attest)
    assertPlain(workspace, policy)
    const judged = await asked(inputs, environment, queryOf(inputs, target))
    const { gate } = judged
    const annotations = annotationsOfRelease(gate, relative(workspace, policy).split(sep).join('/'))
    return {
      ...{ verdict: gate.verdict, reason: gate.reason, sha: target.sha, digest: gate.policy },
      ...{ baseDigest: gate.policy, counts: countsOf(gate), subjects: subjectsOf(gate) },
      ...{ annotations, comment: null },
      ...{ summary: releaseMarkdown(gate), sarif: sarifLog(annotations, VERSION), junit: null },
      attestation: await attested(judged, inputs, environment),
    }
  }
}

function queryOf(inputs: Inputs, { base, head }: Target): ReleaseQuery {
  const { policy: folder, release: name, source, evidence, rollback, trust } = inputs
  if (name === null) throw new PolicyError('USAGE_INVALID', 'the mode release needs a release')
  if (rollback !== null && trust === null) {
    throw new PolicyError('USAGE_INVALID', 'rollback names an attestation, and needs trust')
  }
  return {
    ...{ folder, revision: head, name, source: source ?? folder, evidence: evidence ?? folder },
    artefacts: inputs.artefacts.map((text) => artefactOf(text, inputs)),
    rollback: rollback !== null && trust !== null ? { attestation: rollback, trust } : { base },
    clock: Date.now,
  }
}

function artefactOf(text: string, { workspace }: Inputs): ReleaseQuery['artefacts'][number] {
  const [, name = null, path = text] = /^([^=/\\]+)=(.+)$/.exec(text) ?? []
  return { name, at: isDigest(path) ? path : resolve(workspace, path) }
}

/** Judges, and asks people about a release that is held, where there is an engine to ask through, on the forge with the job's token. */
async function asked(
  { data, waitMs }: Inputs,
  environment: NodeJS.ProcessEnv,
  query: ReleaseQuery,
): Promise<JudgedRelease> {
  const judge = () => judgeRelease(query)
  const judged = await judge()
  const { bundle, gate } = judged
  if (data === null || bundle === null || gate.verdict !== 'hold') return judged
  const around = { folder: data, now: Date.now, environment }
  const forge = openForge(bundle.policy.forge, around)
  const parts = await openAsOwner({ bundle, store: data, forge })
  try {
    return await askForRelease(parts, judged, waitMs === 0 ? null : { ms: waitMs, judge })
  } finally {
    await closeParts(parts)
  }
}

async function attested(
  judged: JudgedRelease,
  { attest: folder }: Inputs,
  environment: NodeJS.ProcessEnv,
): Promise<string | null> {
  if (folder === null || judged.gate.verdict !== 'allow') return null
  const { files } = await attestRelease(judged, { folder, environment, clock: Date.now })
  return files.find((file) => file.endsWith('.sigstore.json')) ?? null
}

function subjectsOf({ release }: ReleaseGate): Readonly<Record<string, string>> {
  if (release === null) return {}
  const { digest, prompt, tools, artefacts } = release
  const named = artefacts.map((one) => [`artefact:${one.name}`, one.digest] as const)
  return { release: digest, prompt, tools, ...Object.fromEntries(named) }
}

function countsOf({ properties }: ReleaseGate): Judged['counts'] {
  const count = (verdict: string) => properties.filter(({ says }) => says === verdict).length
  const passed = properties.filter((one) => one.passed).length
  return { properties: properties.length, passed, held: count('hold'), denied: count('deny') }
}
