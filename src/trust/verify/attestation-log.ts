import { bytesEqual, fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { PROBLEMS_MAX } from '../../base/limits.ts'
import type { Trust } from '../../model/generated/types.ts'
import type { LogProblem } from '../../model/log-report.ts'
import type { SignedCheckpoint, VerifierKey } from '../receipt/checkpoint.ts'
import { isDecision, parseReceipt } from '../receipt/statement.ts'
import type { Attested, OpenedAttestation } from './attestation.ts'
import { checkCheckpoint, openAttestation } from './attestation.ts'
import { invalid } from './attested-json.ts'
import { checkGrown } from './log-growth.ts'
import type { LogContents, LogFiles } from './log-tiles.ts'

/** Where the attestations of a published log lie, below it. */
export const ATTESTATIONS_FOLDER = 'attestations'

/** What an attestation is of, by its name below that folder. */
export type AttestationName =
  | { readonly kind: 'checkpoint'; readonly size: number }
  | { readonly kind: 'receipt'; readonly index: number }

/** The file of an attestation, below the folder. */
export function attestationPath(name: AttestationName): string {
  return name.kind === 'checkpoint'
    ? `checkpoints/${name.size}${BUNDLE_SUFFIX}`
    : `receipts/${name.index}${BUNDLE_SUFFIX}`
}

/** The signed note that an attestation of a checkpoint is of, below the folder. */
export function attestedNotePath(size: number): string {
  return `checkpoints/${size}${NOTE_SUFFIX}`
}

/** What a file below the folder is the attestation of; null for a note, and for what is none. */
export function parseAttestationPath(path: string): AttestationName | null {
  const [, folder, number = ''] = ATTESTATION.exec(path) ?? []
  if (folder === undefined) return null
  return folder === 'checkpoints'
    ? { kind: 'checkpoint', size: Number(number) }
    : { kind: 'receipt', index: Number(number) }
}

const BUNDLE_SUFFIX = '.sigstore.json'
const NOTE_SUFFIX = '.checkpoint'
const ATTESTATION = /^(checkpoints|receipts)\/(0|[1-9]\d{0,15})\.sigstore\.json$/
const NOTE = /^checkpoints\/[1-9]\d{0,15}\.checkpoint$/
/** What a writer that was interrupted leaves, and where it keeps how far it is. */
const SCRATCH = /(?:\.tmp$)|^cursor\.json$/

/** Parts the files of a log from those of the attestations that were published inside it. */
export function partAttestations(files: LogFiles): { log: LogFiles; attestations: LogFiles } {
  const prefix = `${ATTESTATIONS_FOLDER}/`
  const inside = [...files].filter(([path]) => path.startsWith(prefix))
  if (inside.length === 0) return { log: files, attestations: new Map() }
  return {
    log: new Map([...files].filter(([path]) => !path.startsWith(prefix))),
    attestations: new Map(inside.map(([path, bytes]) => [path.slice(prefix.length), bytes])),
  }
}

/** What attestations are checked against: a log whose files and receipts have been found to agree. */
export type AttestationContext = {
  readonly checkpoint: SignedCheckpoint
  readonly contents: LogContents
  readonly keys: readonly VerifierKey[]
  readonly witnesses: readonly VerifierKey[]
  readonly trust: Trust | undefined
  /** How many receipts say what, by decision. */
  readonly counts: Readonly<Record<string, number>>
}

export type AttestationCheck = {
  readonly problems: readonly LogProblem[]
  readonly proven: readonly string[]
  readonly open: readonly string[]
}

type Found = {
  /** The attested checkpoint over the most receipts, with who vouches for it. */
  last: (Attested & { readonly size: number }) | null
  checkpoints: number
  resolutions: number
  /** Attestations by whoever their own certificates name. */
  unvouched: number
}

/**
 * Checks the attestations that came with a log: each holds, is by a pinned attester where the trust file lists some, and
 * is of a checkpoint that the log grew out of, or of a receipt that stands in it.
 *
 * @param files - by path below the attestations' folder
 */
export function checkAttestations(files: LogFiles, context: AttestationContext): AttestationCheck {
  const problems: LogProblem[] = []
  const found: Found = { last: null, checkpoints: 0, resolutions: 0, unvouched: 0 }
  for (const path of [...files.keys()].sort()) {
    if (problems.length >= PROBLEMS_MAX) break
    if (NOTE.test(path) || SCRATCH.test(path)) continue
    const file = `${ATTESTATIONS_FOLDER}/${path}`
    try {
      problems.push(...checkFile(path, files, { context, found }))
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error
      problems.push({ code: error.code, file, message: error.message })
    }
  }
  return { problems, ...words(found, files, context) }
}

type Checking = { readonly context: AttestationContext; readonly found: Found }

function checkFile(path: string, files: LogFiles, checking: Checking): LogProblem[] {
  const name = parseAttestationPath(path)
  if (name === null) throw invalid('a name such as checkpoints/12.sigstore.json')
  const { context, found } = checking
  const opened = openAttestation(textOf(files.get(path)), context.trust)
  if (!opened.isVouched) found.unvouched++
  if (name.kind === 'receipt') return checkReceipt(name.index, opened, checking)
  const file = attestedNotePath(name.size)
  const note = files.get(file)
  if (note === undefined) throw invalid(`the checkpoint that it is of beside it: ${file}`)
  const earlier = checkCheckpoint(opened, note, context)
  if (earlier.origin !== context.checkpoint.origin) throw invalid('a checkpoint of this log')
  if (earlier.size !== name.size) throw invalid('a checkpoint of the size in its name')
  const { tree } = context.contents
  const grown = checkGrown(earlier, context.checkpoint, (size) => tree.root(size))
  if (opened.isVouched) {
    found.checkpoints++
    if (earlier.size > (found.last?.size ?? 0)) {
      found.last = { size: earlier.size, identity: opened.identity, times: opened.times }
    }
  }
  return grown.map((problem) => ({
    ...problem,
    file: `${ATTESTATIONS_FOLDER}/${file}`,
    message: `${problem.message}; the earlier one is attested`,
  }))
}

function checkReceipt(
  index: number,
  opened: OpenedAttestation,
  { context, found }: Checking,
): LogProblem[] {
  const receipt = parseReceipt(opened.payload)
  const file = `${ATTESTATIONS_FOLDER}/${attestationPath({ kind: 'receipt', index })}`
  const { entries } = context.contents
  const entry = entries[index]
  if (entry === undefined) {
    const message = `rolled back: receipt ${index} is attested, and the log has ${entries.length}`
    return [{ code: 'LOG_ROLLED_BACK', file, message }]
  }
  if (!bytesEqual(entry, opened.payload)) {
    const message = `rewritten: receipt ${index} of the log is not the one that is attested`
    return [{ code: 'LOG_REWRITTEN', file, message }]
  }
  const isResolution = isDecision(receipt) && receipt.predicate.stage === 'resolution'
  if (opened.isVouched && isResolution) found.resolutions++
  return []
}

/** What attestations prove, and what they leave open; nothing where nobody speaks of them. */
function words(
  { last, checkpoints, resolutions, unvouched }: Found,
  files: LogFiles,
  { trust, checkpoint, counts }: AttestationContext,
): { proven: string[]; open: string[] } {
  const all = RESOLUTIONS.reduce((sum, word) => sum + (counts[word] ?? 0), 0)
  const isAsked = trust?.sigstore?.attesters !== undefined
  const proven: string[] = []
  const open: string[] = []
  if (files.size === 0 && !isAsked) return { proven, open }
  if (last !== null) {
    const { issuer, subject } = last.identity
    const by = new Date(Math.min(...last.times)).toISOString()
    proven.push(
      `the log stood at ${last.size} receipts by ${by}: ${subject} of ${issuer} attested it, and the time is an authority's`,
    )
    if (checkpoints > 1) proven.push(`it grew out of each of ${checkpoints} attested checkpoints`)
  }
  if (resolutions > 0) {
    proven.push(`${resolutions} of ${all} resolutions have an attestation of their own`)
  }
  if (unvouched > 0) {
    open.push(
      `that ${unvouched} attestations were made by anybody you know (give a trusted root and attesters under --trust)`,
    )
  }
  if (isAsked && last === null) {
    open.push('when the log stood at what size: no checkpoint has an attestation')
  } else if (last !== null && last.size < checkpoint.size) {
    open.push(
      `that the ${checkpoint.size - last.size} latest receipts stood there at any time: no attested checkpoint covers them`,
    )
  }
  if (isAsked && resolutions < all) {
    open.push(`that ${all - resolutions} resolutions were seen by others: they have no attestation`)
  }
  return { proven, open }
}

const RESOLUTIONS = ['APPROVED', 'APPROVED_WITH_MODIFICATIONS', 'REJECTED', 'EXPIRED']

function textOf(bytes: Uint8Array | undefined): string {
  try {
    return fromUtf8(bytes ?? new Uint8Array())
  } catch (cause) {
    throw new PolicyError('ATTESTATION_INVALID', 'expected UTF-8', { cause })
  }
}
