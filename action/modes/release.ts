import { relative, resolve, sep } from 'node:path'
import { closeParts, openAsOwner } from '../../src/app/engine/open-engine.ts'
import { type JudgedRelease, judgeRelease, type ReleaseQuery } from '../../src/app/gate/release.ts'
import { attestRelease, forgetRelease } from '../../src/app/gate/release-attest.ts'
import { askForRelease } from '../../src/app/gate/release-request.ts'
import { isDigest } from '../../src/base/digest.ts'
import { PolicyError } from '../../src/base/errors.ts'
import type { ReleaseGate } from '../../src/model/release-gate.ts'
import { annotationsOfRelease, releaseMarkdown } from '../../src/report/release.ts'
import { sarifLog } from '../../src/report/sarif.ts'
import type { Inputs } from '../inputs.ts'
import type { Judged, JudgeTarget } from '../judged.ts'
import { VERSION } from '../version.ts'

/** Judges a release of an agent, by the policy that is checked out; what may ship is attested where that is asked for. */
export function releaseMode(inputs: Inputs, environment: NodeJS.ProcessEnv): JudgeTarget {
  const { policy, workspace, attest } = inputs
  return async ({ sha }) => {
    if (attest !== null) forgetRelease(attest)
    const judged = await asked(inputs, await judgeRelease(queryOf(inputs)))
    const { gate } = judged
    const annotations = annotationsOfRelease(gate, relative(workspace, policy).split(sep).join('/'))
    return {
      ...{ verdict: gate.verdict, reason: gate.reason, sha, digest: gate.policy },
      ...{ baseDigest: gate.policy, counts: countsOf(gate), annotations, comment: null },
      ...{ summary: releaseMarkdown(gate), sarif: sarifLog(annotations, VERSION), junit: null },
      attestation: await attested(judged, inputs, environment),
    }
  }
}

function queryOf(inputs: Inputs): ReleaseQuery {
  const { policy: folder, release: name, source, evidence, rollback, trust, base } = inputs
  if (name === null) throw new PolicyError('USAGE_INVALID', 'the mode release needs a release')
  if (rollback !== null && trust === null) {
    throw new PolicyError('USAGE_INVALID', 'rollback names an attestation, and needs trust')
  }
  return {
    ...{ folder, name, source: source ?? folder, evidence: evidence ?? folder },
    artefacts: inputs.artefacts.map((text) => artefactOf(text, inputs)),
    rollback: rollback !== null && trust !== null ? { attestation: rollback, trust } : { base },
    clock: Date.now,
  }
}

function artefactOf(text: string, { workspace }: Inputs): ReleaseQuery['artefacts'][number] {
  const [, name = null, path = text] = /^([^=/\\]+)=(.+)$/.exec(text) ?? []
  return { name, at: isDigest(path) ? path : resolve(workspace, path) }
}

/** Asks people about a release that is held, where there is an engine to ask through. */
async function asked({ data, policy }: Inputs, judged: JudgedRelease): Promise<JudgedRelease> {
  if (data === null || judged.gate.verdict !== 'hold') return judged
  const parts = await openAsOwner({ policy, store: data }, undefined)
  try {
    return await askForRelease(parts, judged)
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

function countsOf({ properties }: ReleaseGate): Judged['counts'] {
  const count = (verdict: string) => properties.filter(({ says }) => says === verdict).length
  const passed = properties.filter((one) => one.passed).length
  return { properties: properties.length, passed, held: count('hold'), denied: count('deny') }
}
