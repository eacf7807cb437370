import type { Command } from 'commander'
import { lookAtRequests, withMembers } from '../../../app/approvals/request-list.ts'
import {
  type Review,
  reviewRequest,
  type ShownRequest,
  showRequest,
} from '../../../app/approvals/review.ts'
import { assertWhole, openSigner, shownTo } from '../../../app/approvals/reviewer.ts'
import type { Parts } from '../../../app/engine/parts.ts'
import { diffJson, formatDiff } from '../../../base/diff.ts'
import { parseJson } from '../../../base/json-parse.ts'
import type { JsonObject } from '../../../base/json-value.ts'
import { requestDocument, requestRowsText, requestText } from '../../../report/requests.ts'
import { type EngineFlags, withEngine } from '../engine.ts'
import { usage, withData, withExamples, withFormat, withPolicyOrBundle } from '../options.ts'
import { type Cli, paintOf, printJson, printNote, printText } from '../output.ts'
import { openAnySigner, type SignerFlags, signerWords, withSigner } from '../signer.ts'
import { readTextFile } from './decide.ts'
import { registerWatch } from './requests-watch.ts'

type Flags = EngineFlags & { readonly format: string }
type ListFlags = Flags & { readonly state: 'waiting' | 'resolved' | 'all' }
type ShowFlags = Flags & { readonly key?: string }
type ReviewFlags = ShowFlags &
  SignerFlags & {
    readonly comment?: string
    readonly breakGlass?: boolean
    readonly payload?: string
  }

export function registerRequests(program: Command, cli: Cli): void {
  const requests = program.command('requests').description('held actions that wait for people')
  const common = (command: Command) =>
    withFormat(withData(withPolicyOrBundle(command)), ['pretty', 'json'])
  const ls = requests
    .command('ls')
    .description('list requests')
    .option('--state <state>', 'waiting, resolved or all', 'waiting')
    .action((flags: ListFlags) => list(cli, flags))
  common(ls)
  const show = requests
    .command('show')
    .description('show a request; with the key of a person on its route, in clear')
    .argument('<id>', 'the request')
    .option('--key <file>', 'your SSH key')
    .action((id: string, flags: ShowFlags) => showOne(cli, id, flags))
  common(show)
  registerReviews(requests, cli, common)
  registerWatch(requests, cli)
}

function registerReviews(requests: Command, cli: Cli, common: (command: Command) => Command): void {
  const verbs = [
    ['approve', 'sign that the action may run as it is'],
    ['reject', 'sign that it may not run'],
    ['patch', 'sign that it may run with another payload'],
  ] as const
  for (const [verdict, description] of verbs) {
    const command = requests
      .command(verdict)
      .description(description)
      .argument('<id>', 'the request')
      .option('--comment <text>', 'a word to whoever asked')
      .action((id: string, flags: ReviewFlags) => review(cli, id, verdict, flags))
    if (verdict === 'approve') {
      command.option('--break-glass', 'let it run in an emergency; --comment says why')
    }
    if (verdict === 'patch') {
      command.requiredOption('--payload <json>', 'the whole payload as it should run, or @FILE')
      withExamples(command, [
        [`countersign requests patch ID --payload '{"amount":20}'`, 'shows the change, then signs'],
      ])
    }
    common(withSigner(command))
  }
}

async function list(cli: Cli, flags: ListFlags): Promise<void> {
  if (!['waiting', 'resolved', 'all'].includes(flags.state)) {
    throw usage(`--state is waiting, resolved or all, not ${flags.state}`)
  }
  await withEngine(cli, { ...flags, reviews: true }, async (parts) => {
    const found = await lookAtRequests(parts, flags.state)
    if (flags.format === 'json') printJson(cli, found.map(requestDocument))
    else printText(cli, requestRowsText(found, paintOf(cli)))
  })
}

async function showOne(cli: Cli, id: string, flags: ShowFlags): Promise<void> {
  await withEngine(cli, { ...flags, reviews: true }, async (parts) => {
    const signer = flags.key === undefined ? null : await openSigner(cli.io.cwd, flags.key)
    const shown = await shownTo(parts, id, signer)
    if (flags.format === 'json') {
      const { payload, context, members } = shown
      printJson(cli, {
        ...requestDocument(shown.found),
        request: shown.found.request,
        ...(members === undefined ? {} : { clear: members.map(clearDocument) }),
        ...(payload === undefined ? {} : { payload }),
        ...(context === undefined ? {} : { context }),
      })
      return
    }
    printText(cli, requestText(shown, paintOf(cli)))
    if (signer === null) printNote(cli, 'name your SSH key with --key to see the clear fields')
  })
}

async function review(
  cli: Cli,
  id: string,
  verdict: Review['verdict'],
  flags: ReviewFlags,
): Promise<void> {
  await withEngine(cli, { ...flags, reviews: true }, async (parts) => {
    const signer = await openAnySigner(cli, parts, flags)
    const payload = flags.payload === undefined ? undefined : parsePayload(cli, flags.payload)
    if (payload === undefined) await assertWhole(parts, id)
    else await sayChanges(cli, parts, id, payload)
    const found = await reviewRequest(
      parts,
      id,
      {
        verdict,
        ...(payload === undefined ? {} : { payload }),
        ...(flags.comment === undefined ? {} : { comment: flags.comment }),
        ...(flags.breakGlass === true ? { breakGlass: true } : {}),
      },
      signer,
    )
    const listed = await withMembers(parts, found)
    if (flags.format === 'json') printJson(cli, requestDocument(listed))
    else
      printText(
        cli,
        `signed ${await signerWords(signer)}\n${requestRowsText([listed], paintOf(cli))}`,
      )
  })
}

function clearDocument({ found, payload, context }: ShownRequest): object {
  return { request: found.request.id, payload, context }
}

function parsePayload(cli: Cli, text: string): JsonObject {
  const json = text.startsWith('@') ? readTextFile(cli, text.slice(1)) : text
  return parseJson(json) as JsonObject
}

async function sayChanges(cli: Cli, parts: Parts, id: string, payload: JsonObject): Promise<void> {
  const found = await parts.store.request(id)
  if (found === null || found.batch !== undefined) return // The review itself says so.
  if (found.request.members !== undefined) return
  const { payload: before } = await showRequest(parts, found)
  printNote(cli, `the patch changes\n${formatDiff(diffJson(before, payload))}`)
}
