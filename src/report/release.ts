import type { ReleaseGate, ReleaseProperty, ReleaseVerification } from '../model/release-gate.ts'
import type { Annotation } from './annotations.ts'
import { code, codes, cutTable, type Html } from './gate-escape.ts'
import { type Paint, visibleLine } from './paint.ts'

/** The first line of the comment: what it is found by, to be updated in place. */
export const GATE_RELEASE_MARKER = '<!-- countersign:gate:release -->'

/** What the release gate said, for people. */
export function releaseText(gate: ReleaseGate, paint: Paint): string {
  const { verdict, reason, release, policy, properties, not_proven: open, approval } = gate
  const name = release === null ? '' : ` ${visibleLine(release.release)}`
  const lines = [
    `${wordOf(verdict, paint)}${name} ${visibleLine(reason)}`,
    ...properties.map((one) => propertyLine(one, paint)),
    ...(release === null ? [] : [paint.dim(`release ${release.digest}`)]),
    ...(policy === null ? [] : [paint.dim(`policy ${policy}`)]),
    ...(approval === null
      ? []
      : [`request ${approval.request} ${approval.status}${whereOf(approval)}`]),
    ...open.map((one) => paint.dim(`not proven: ${visibleLine(one)}`)),
  ]
  return `${lines.join('\n')}\n`
}

function whereOf({ where }: { readonly where?: string }): string {
  return where === undefined ? '' : ` ${visibleLine(where)}`
}

function wordOf(verdict: ReleaseGate['verdict'], paint: Paint): string {
  if (verdict === 'allow') return paint.green('allow')
  return verdict === 'hold' ? paint.yellow('hold') : paint.red('deny')
}

function propertyLine(property: ReleaseProperty, paint: Paint): string {
  const { id, passed, says, code: why, detail, file } = property
  const word = passed
    ? paint.green('passed')
    : says === 'hold'
      ? paint.yellow('missed')
      : paint.red('failed')
  const where = file === undefined ? '' : ` ${paint.dim(visibleLine(file))}`
  const shown = visibleLine(passed || why === null ? detail : `${why} ${detail}`)
  return `${word} ${id} ${shown}${where}`
}

/**
 * The same as Markdown, for a job's summary or a pull request's comment, with the marker first. Whatever comes from the
 * policy or from evidence stands in code.
 */
export function releaseMarkdown(gate: ReleaseGate): string {
  const { verdict, reason, release, policy, properties, evidence, not_proven: open } = gate
  const { approval } = gate
  const facts: (readonly Html[])[] =
    release === null
      ? []
      : [
          ['agent', code(`${release.agent} ${release.version}`)],
          ['release', code(release.digest)],
          ['prompt', code(release.prompt)],
          ['tools', code(release.tools)],
          ...release.artefacts.map(({ name, digest }) => [code(name), code(digest)]),
        ]
  const rowOf = ({ id, passed, says, code: why, detail, file }: ReleaseProperty): Html[] => [
    passed ? '✅' : says === 'hold' ? '⏸️' : '❌',
    code(id),
    code(why === null ? detail.replaceAll(DIGEST, '$1…') : `${why} ${detail}`),
    file === undefined ? '' : code(file),
  ]
  const lines = [
    GATE_RELEASE_MARKER,
    `<h3>${HEADS[verdict]}${release === null ? '' : ` ${code(release.release)}`}</h3>`,
    `<p>${code(reason)}</p>`,
    cutTable(['', 'property', 'found', 'file'], properties, rowOf, ROWS_MAX),
    ...(facts.length === 0 ? [] : [cutTable(['what', 'digest'], facts, (one) => one, ROWS_MAX)]),
    ...(policy === null ? [] : [`<p>Judged by the policy ${code(policy)}.</p>`]),
    ...(evidence.length === 0
      ? []
      : [`<p>Evidence: ${codes(evidence.map(({ file }) => file))}.</p>`]),
    ...(approval === null
      ? []
      : [`<p>Request ${code(approval.request)}: ${code(approval.status)}.</p>`]),
    ...open.map((one) => `<p>Not proven: ${code(one)}.</p>`),
  ]
  return `${lines.join('\n\n')}\n`
}

const HEADS: Readonly<Record<ReleaseGate['verdict'], string>> = {
  allow: '✅ May ship:',
  hold: '⏸️ Awaits people:',
  deny: '❌ May not ship:',
}
const ROWS_MAX = 100

/** What is as it should be is shown in full below. */
const DIGEST = /\b(sha256:[0-9a-f]{12}|[0-9a-f]{12})[0-9a-f]{28,52}\b/g

/**
 * One annotation for each property that does not hold, where the manifest asks for it; where that is not what is wrong, on
 * the policy's file that is, or on its project file.
 */
export function annotationsOfRelease({ properties }: ReleaseGate, folder = ''): Annotation[] {
  const below = (file: string): string => (folder === '' ? file : `${folder}/${file}`)
  return properties
    .filter(({ passed }) => !passed)
    .map(({ id, says, code: why, detail, file, line, place }) => ({
      id: why ?? id,
      level: says === 'deny' ? ('error' as const) : ('warning' as const),
      file: below(place?.file ?? file ?? 'countersign.yaml'),
      ...{ line: place?.line ?? line ?? 1, column: place?.column ?? 1 },
      message: `${id}: ${detail}${place === undefined || file === undefined ? '' : ` (${file})`}`,
    }))
}

/** What was found of an attestation, for people. */
export function releaseVerificationText(found: ReleaseVerification, paint: Paint): string {
  const { status, identity, times, policy, properties, artefacts, release, problems } = found
  if (status === 'refused') {
    const lines = problems.map(
      ({ code: why, message }) => `${paint.red('refused')} ${why} ${visibleLine(message)}`,
    )
    return `${lines.join('\n')}\n`
  }
  const name = release === null ? '' : ` ${release.name}: ${release.agent} ${release.version}`
  const lines = [
    `${paint.green('verified')}${visibleLine(name)}`,
    ...artefacts.map((digest) => `artefact ${digest}`),
    `policy ${policy}`,
    `attested ${times[0]} by ${visibleLine(`${identity?.subject} of ${identity?.issuer}`)}`,
    ...properties.map((one) => paint.dim(visibleLine(one))),
  ]
  return `${lines.join('\n')}\n`
}
