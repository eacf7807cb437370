import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type JudgedRelease, judgeRelease, type ReleaseQuery } from '../../../app/gate/release.ts'
import { attestRelease, forgetRelease } from '../../../app/gate/release-attest.ts'
import { askForRelease } from '../../../app/gate/release-request.ts'
import { verifyRelease } from '../../../app/gate/verify-release.ts'
import { isDigest } from '../../../base/digest.ts'
import { parseDuration } from '../../../base/duration.ts'
import type { ReleaseGate } from '../../../model/release-gate.ts'
import { githubAnnotations } from '../../../report/github.ts'
import {
  annotationsOfRelease,
  releaseMarkdown,
  releaseText,
  releaseVerificationText,
} from '../../../report/release.ts'
import { releaseDocument } from '../../../report/release-document.ts'
import { withEngine } from '../engine.ts'
import {
  folderBelow,
  policyFolder,
  usage,
  withData,
  withExamples,
  withFormat,
  withPolicy,
} from '../options.ts'
import { type Cli, paintOf, printJson, printNote, printText } from '../output.ts'

type Flags = {
  readonly policy?: string
  readonly source?: string
  readonly evidence?: string
  readonly artefact?: readonly string[]
  readonly base?: string
  readonly verifyRollback?: string
  readonly attest?: string
  readonly identityToken?: string
  readonly request?: true
  readonly wait?: string
  readonly data: string
  readonly verify?: string
  readonly trust?: string
  readonly policyDigest?: string
  readonly maxAge: string
  readonly require?: readonly string[]
  readonly approved?: true
  readonly format: string
}

/** @param gate - the command that groups the gates */
export function registerGateRelease(gate: Command, cli: Cli): void {
  const command = withData(withPolicy(gate.command('release')))
    .description('say whether a release of an agent may ship, or verify that it was said')
    .argument('[name]', 'the release, by its name or by the file of its manifest')
    .option('--artefact <file...>', 'what is rolled out: [NAME=]FILE, or sha256:... of an image')
    .option('--source <dir>', 'where prompt and tools lie (default: the policy repository)')
    .option('--evidence <dir>', 'where the evidence lies (default: the policy repository)')
    .option(
      '--base <revision>',
      'the base branch, which has the release to go back to (default: HEAD)',
    )
    .option(
      '--verify-rollback <file>',
      'the attestation of the release to go back to, in place of --base',
    )
    .option(
      '--attest <dir>',
      'where to write release.json and release.sigstore.json when it may ship',
    )
    .option('--identity-token <file>', 'with --attest: a file that holds an identity token')
    .option('--request', 'ask people about a release that is held, through the engine in --data')
    .option(
      '--wait <duration>',
      'with --request: how long to wait for people (default: not at all)',
    )
    .option('--verify <file>', 'verify this attestation, offline, and judge nothing')
    .option('--trust <file>', 'the trust file, for --verify and --verify-rollback')
    .option('--policy-digest <digest>', 'with --verify: the only policy that may have judged')
    .option('--max-age <duration>', 'with --verify: how long ago it may have been attested', '7d')
    .option('--require <property...>', 'with --verify: a property beside those of every release')
    .option(
      '--approved',
      'with --verify: take a release that people let pass though it missed a threshold',
    )
    .action((name: string | undefined, flags: Flags) =>
      flags.verify === undefined ? judge(cli, name, flags) : verify(cli, name, flags.verify, flags),
    )
  withExamples(withFormat(command, ['pretty', 'json', 'markdown', 'github']), [
    ['countersign gate release NAME --artefact agent.tgz', 'exits 1 unless it may ship'],
    [
      'countersign gate release --verify release.sigstore.json --artefact agent.tgz --trust trust.yaml',
      'before it is rolled out',
    ],
  ])
}

async function judge(cli: Cli, name: string | undefined, flags: Flags): Promise<void> {
  const { attest, identityToken } = flags
  if (name === undefined) throw usage('name the release')
  // Whoever asks for these must not think that judging looks at them.
  if (flags.policyDigest !== undefined || flags.require !== undefined || flags.approved === true) {
    throw usage('--policy-digest, --require and --approved are for --verify')
  }
  const folder = attest === undefined ? null : resolve(cli.io.cwd, attest)
  if (folder !== null) forgetRelease(folder)
  else if (identityToken !== undefined) throw usage('--identity-token is for --attest')
  const waitMs = waitOf(flags)
  const query = queryOf(cli, name, flags)
  const judged = await asked(cli, flags, query, waitMs)
  const { gate } = judged
  if (folder !== null && gate.verdict === 'allow') {
    const { files, identity } = await attestRelease(judged, {
      ...{ folder, environment: cli.io.env, clock: Date.now },
      ...(identityToken === undefined ? {} : { tokenFile: resolve(cli.io.cwd, identityToken) }),
    })
    printNote(cli, `attested as ${identity.subject} of ${identity.issuer}: ${files.join(', ')}`)
  }
  print(cli, flags, gate)
  cli.exit(gate.verdict === 'allow' ? 0 : 1)
}

/** Milliseconds; 0 for not at all. */
function waitOf({ wait, request }: Flags): number {
  if (wait === undefined) return 0
  if (request !== true) throw usage('--wait is for --request')
  return parseDuration(wait)
}

async function asked(
  cli: Cli,
  flags: Flags,
  query: ReleaseQuery,
  waitMs: number,
): Promise<JudgedRelease> {
  const judge = () => judgeRelease(query)
  const judged = await judge()
  if (flags.request !== true || judged.gate.verdict !== 'hold') return judged
  const wait = waitMs === 0 ? null : { ms: waitMs, judge }
  return withEngine(cli, flags, (parts) => askForRelease(parts, judged, wait))
}

function queryOf(cli: Cli, name: string, flags: Flags): ReleaseQuery {
  const folder = policyFolder(cli.io, flags)
  const at = (path: string | undefined): string =>
    path === undefined ? folder : resolve(cli.io.cwd, path)
  const { verifyRollback, trust, base } = flags
  if (verifyRollback !== undefined && base !== undefined) {
    throw usage('expected one of --base and --verify-rollback')
  }
  if (verifyRollback !== undefined && trust === undefined)
    throw usage('--verify-rollback needs --trust')
  const rollback =
    verifyRollback !== undefined && trust !== undefined
      ? { attestation: resolve(cli.io.cwd, verifyRollback), trust: resolve(cli.io.cwd, trust) }
      : { base: base ?? null }
  return {
    ...{ folder, name, source: at(flags.source), evidence: at(flags.evidence) },
    ...{ artefacts: artefactsOf(cli, flags), rollback, clock: Date.now },
  }
}

function artefactsOf(cli: Cli, { artefact = [] }: Flags): ReleaseQuery['artefacts'] {
  return artefact.map((text) => {
    const [, name = null, path = text] = /^([^=/\\]+)=(.+)$/.exec(text) ?? []
    return { name, at: isDigest(path) ? path : resolve(cli.io.cwd, path) }
  })
}

function print(cli: Cli, flags: Flags, gate: ReleaseGate): void {
  const { format } = flags
  const folder = folderBelow(cli.io, policyFolder(cli.io, flags))
  if (format === 'json') printJson(cli, releaseDocument(gate))
  else if (format === 'markdown') printText(cli, releaseMarkdown(gate))
  else if (format === 'github')
    printText(cli, githubAnnotations(annotationsOfRelease(gate, folder)))
  else printText(cli, releaseText(gate, paintOf(cli)))
}

async function verify(
  cli: Cli,
  name: string | undefined,
  file: string,
  flags: Flags,
): Promise<void> {
  const { trust, policyDigest = null, maxAge, require: properties = [], format } = flags
  if (trust === undefined) throw usage('--verify needs --trust')
  const artefacts = artefactsOf(cli, flags)
  if (artefacts.length === 0) throw usage('--verify needs --artefact: what is to be rolled out')
  if (policyDigest !== null && !isDigest(policyDigest)) {
    throw usage('expected --policy-digest to be sha256: and 64 hexadecimal digits')
  }
  const found = await verifyRelease({
    ...{ file: resolve(cli.io.cwd, file), trust: resolve(cli.io.cwd, trust), artefacts },
    ...{ name: name ?? null, policy: policyDigest, ageMsMax: parseDuration(maxAge) },
    properties: properties.map((one) => one.replace(/^COUNTERSIGN_RELEASE_/, '')),
    ...{ isApprovedEnough: flags.approved === true, clock: Date.now },
  })
  if (format === 'json') printJson(cli, found)
  else printText(cli, releaseVerificationText(found, paintOf(cli)))
  cli.exit(found.status === 'verified' ? 0 : 1)
}
