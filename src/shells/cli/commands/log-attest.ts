import { resolve } from 'node:path'
import type { Command } from 'commander'
import { servicesOf } from '../../../app/receipts/attest.ts'
import { verifyAttestationFile } from '../../../app/receipts/attest-verify.ts'
import { openAttestor } from '../../../app/receipts/attestor.ts'
import { findReceipt } from '../../../app/receipts/receipts.ts'
import { attestationText, attestDocument, attestText, madeText } from '../../../report/attest.ts'
import { type EngineFlags, withEngine } from '../engine.ts'
import { withData, withExamples, withFormat, withPolicyOrBundle } from '../options.ts'
import { type Cli, paintOf, printJson, printText } from '../output.ts'

type AttestFlags = EngineFlags & { readonly identityToken?: string; readonly format: string }

const TOKEN = '--identity-token <file>'
const TOKEN_ABOUT = 'a file that holds an identity token (default: of the surroundings)'

/** `log attest`. */
export function registerAttest(log: Command, cli: Cli): void {
  const attest = log
    .command('attest')
    .description('have others vouch for the log, now: its checkpoint, and how requests ended')
    .option(TOKEN, TOKEN_ABOUT)
    .action((flags: AttestFlags) => attestLog(cli, flags))
  withExamples(withFormat(withData(withPolicyOrBundle(attest)), ['pretty', 'json']), [
    ['countersign log attest --identity-token token', 'what was attested, what waits, and why'],
  ])
}

/** `receipts attest`. */
export function registerAttestReceipt(receipts: Command, cli: Cli): void {
  const attest = receipts
    .command('attest')
    .description('have others vouch for one receipt, whatever it is of')
    .argument('<receipt>', 'a log index, or a decision id')
    .option(TOKEN, TOKEN_ABOUT)
    .action((name: string, flags: AttestFlags) => attestOne(cli, name, flags))
  withExamples(withFormat(withData(withPolicyOrBundle(attest)), ['pretty', 'json']), [
    ['countersign receipts attest 12', 'attestations/receipts/12.sigstore.json in the data folder'],
  ])
}

/** `log verify-attestation`. */
export function registerVerifyAttestation(log: Command, cli: Cli): void {
  const verify = log
    .command('verify-attestation')
    .description('verify one attestation offline: of a checkpoint, a receipt, or an open gate')
    .argument('<file>', 'the Sigstore bundle')
    .option(
      '--subject <file>',
      'what it is of (default: the checkpoint or verdict beside it; the receipt that it carries)',
    )
    .requiredOption('--trust <file>', 'what to trust: log keys, a Sigstore root, attesters')
    .action((file: string, flags: VerifyFlags) => verifyOne(cli, file, flags))
  withExamples(withFormat(verify, ['pretty', 'json']), [
    [
      'countersign log verify-attestation 12.sigstore.json --trust trust.json',
      'who attested what, and when',
    ],
  ])
}

function attestorOf(cli: Cli, { identityToken }: AttestFlags) {
  const tokenFile =
    identityToken === undefined ? {} : { tokenFile: resolve(cli.io.cwd, identityToken) }
  return { environment: cli.io.env, ...tokenFile }
}

async function attestLog(cli: Cli, flags: AttestFlags): Promise<void> {
  await withEngine(cli, flags, async (parts) => {
    servicesOf(parts.judge.bundle.policy)
    const report = await openAttestor(parts, attestorOf(cli, flags)).round()
    if (flags.format === 'json') printJson(cli, attestDocument(report))
    else printText(cli, attestText(report, paintOf(cli)))
    const { trouble } = report
    if (trouble !== null) cli.exit(trouble.retryable ? 3 : 2)
  })
}

async function attestOne(cli: Cli, name: string, flags: AttestFlags): Promise<void> {
  await withEngine(cli, flags, async (parts) => {
    const { index } = await findReceipt(parts.store, name)
    const made = await openAttestor(parts, attestorOf(cli, flags)).receipt(index)
    if (flags.format === 'json') printJson(cli, made)
    else printText(cli, madeText(made))
  })
}

type VerifyFlags = { readonly subject?: string; readonly trust: string; readonly format: string }

function verifyOne(cli: Cli, file: string, { subject, trust, format }: VerifyFlags): void {
  const at = (path: string) => resolve(cli.io.cwd, path)
  const report = verifyAttestationFile(at(file), {
    trust: at(trust),
    ...(subject === undefined ? {} : { subject: at(subject) }),
  })
  if (format === 'json') printJson(cli, report)
  else printText(cli, attestationText(report, paintOf(cli)))
  cli.exit(report.status === 'refused' ? 1 : 0)
}
