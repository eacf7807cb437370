import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { openInbox } from '../../../app/approvals/inbox.ts'
import { lookAtRequests } from '../../../app/approvals/request-list.ts'
import { listenForReviews } from '../../../app/approvals/review-webhooks.ts'
import { pollMsOf } from '../../../app/approvals/sweep.ts'
import type { Parts } from '../../../app/engine/parts.ts'
import { retainRegularly } from '../../../app/receipts/retain.ts'
import { PolicyError } from '../../../base/errors.ts'
import type { AnySigner, RequestRecord } from '../../../model/ports.ts'
import { requestDocument, requestRowsText } from '../../../report/requests.ts'
import { type EngineFlags, withEngine } from '../engine.ts'
import { runInbox } from '../inbox/run.ts'
import { untilInterrupted } from '../interrupt.ts'
import { isColoured } from '../io.ts'
import { usage, withData, withExamples, withFormat, withPolicyOrBundle } from '../options.ts'
import { type Cli, paintOf, printNote, printText } from '../output.ts'
import { openAnySigner, type SignerFlags, withSigner } from '../signer.ts'

type WatchFlags = EngineFlags &
  SignerFlags & {
    readonly every?: string
    readonly format: string
    readonly lines?: boolean
    readonly webhook?: string
  }

export function registerWatch(requests: Command, cli: Cli): void {
  const watch = requests
    .command('watch')
    .description('an inbox on a terminal; anywhere else one line a change, until Ctrl-C')
    .option('--every <seconds>', "how often to look (default: the policy's forge.poll)")
    .option('--lines', 'one line a change on a terminal too')
    .option(
      '--webhook <place>',
      "HOST:PORT to take the forge's webhooks at, signed with COUNTERSIGN_WEBHOOK_SECRET",
    )
    .action((flags: WatchFlags) => watchRequests(cli, flags))
  withExamples(withFormat(withData(withPolicyOrBundle(withSigner(watch))), ['pretty', 'json']), [
    ['countersign requests watch', 'list, open, approve, reject, edit'],
    ['countersign requests watch --format json', 'a JSON document a line, for programs'],
  ])
}

async function watchRequests(cli: Cli, flags: WatchFlags): Promise<void> {
  const asked = flags.every === undefined ? null : Number(flags.every) * 1_000
  if (asked !== null && !(asked >= EVERY_MS_MIN && asked <= EVERY_MS_MAX)) {
    throw usage(`--every takes at least 0.1 seconds and at most 86400, not ${flags.every}`)
  }
  const { stdin, stdout } = cli.io.isTerminal
  const isScreen = stdin && stdout && cli.io.env['TERM'] !== 'dumb'
  const asLines = !isScreen || flags.format === 'json' || flags.lines === true
  await withEngine(cli, { ...flags, reviews: true }, async (parts) => {
    parts.attestor.start()
    const stopRetaining = retainRegularly(parts)
    const news: News = { tell: () => undefined }
    const { env: environment } = cli.io
    const listener =
      flags.webhook === undefined
        ? null
        : await listenForReviews(parts, flags.webhook, { environment, onNews: () => news.tell() })
    if (listener !== null) {
      printNote(cli, `takes webhooks at ${listener.host}, port ${listener.port}`)
    }
    const watching = { ...flags, everyMs: asked ?? pollMsOf(parts), news }
    try {
      if (!asLines) await showInbox(cli, parts, watching)
      else await untilInterrupted((signal) => follow(cli, parts, { ...watching, signal }))
    } finally {
      await stopRetaining()
      await listener?.close()
    }
  })
}

/** Whom a webhook tells that it is worth looking now. */
type News = { tell: () => void }

const EVERY_MS_MIN = 100
const EVERY_MS_MAX = 86_400_000 // What no timer can wait for, it does not wait for at all.

type Watching = WatchFlags & { readonly everyMs: number; readonly news: News }

async function showInbox(cli: Cli, parts: Parts, flags: Watching): Promise<void> {
  let aside: Aside = (work) => work()
  const { signer, note } = await signerOf(cli, parts, flags)
  const inbox = await openInbox(parts, signer === null ? null : lent(signer, (work) => aside(work)))
  const late = await runInbox(inbox, {
    streams: { stdin: process.stdin, stdout: process.stdout },
    environment: cli.io.env,
    paint: paintOf(cli),
    coloured: isColoured(cli.io, 'stdout'),
    everyMs: flags.everyMs,
    now: parts.clock,
    note,
    signal: new AbortController().signal,
    lend: (given) => {
      aside = given
    },
    onLook: (look) => {
      flags.news.tell = look
    },
  })
  for (const words of late) printNote(cli, words)
}

type Aside = <T>(work: () => Promise<T>) => Promise<T>

/** A passphrase, a touch or a browser is asked for on the terminal itself. */
function lent(signer: AnySigner, aside: Aside): AnySigner {
  if (signer.kind === 'ssh') {
    return { ...signer, sign: (text, namespace) => aside(() => signer.sign(text, namespace)) }
  }
  // Asked for once: a new certificate may need a new sign-in, and the review of another identity would not verify.
  let identity: ReturnType<typeof signer.identity> | undefined
  return {
    ...signer,
    identity: () => {
      identity ??= signer.identity()
      return identity
    },
    sign: (payload, type) => aside(() => signer.sign(payload, type)),
  }
}

/** Without a key one may still look; but what was named must be there. */
async function signerOf(
  cli: Cli,
  parts: Parts,
  flags: Watching,
): Promise<{ readonly signer: AnySigner | null; readonly note: string | null }> {
  const isNamed = [flags.key, flags.sigstore, flags.identityToken].some(
    (flag) => flag !== undefined,
  )
  try {
    return { signer: await openAnySigner(cli, parts, flags), note: null }
  } catch (error) {
    if (isNamed || !(error instanceof PolicyError)) throw error
    return { signer: null, note: `only looking: ${error.message}` }
  }
}

/** Settles what people and time have decided, and prints each change as one line. */
async function follow(
  cli: Cli,
  parts: Parts,
  { everyMs, signal, format, news }: Watching & { readonly signal: AbortSignal },
): Promise<void> {
  const seen = new Map<string, string>()
  while (!signal.aborted) {
    const woken = new AbortController()
    news.tell = () => woken.abort()
    for (const found of await lookAtRequests(parts, 'all')) sayOnce(cli, seen, found, format)
    const until = AbortSignal.any([signal, woken.signal])
    await sleep(everyMs, undefined, { signal: until }).catch(() => undefined)
  }
}

function sayOnce(cli: Cli, seen: Map<string, string>, found: RequestRecord, format: string): void {
  const state = found.resolution?.decision ?? 'PENDING'
  if (seen.get(found.request.id) === state) return
  seen.set(found.request.id, state)
  if (format === 'json') cli.io.stdout.write(`${JSON.stringify(requestDocument(found))}\n`)
  else printText(cli, requestRowsText([found], paintOf(cli)))
}
