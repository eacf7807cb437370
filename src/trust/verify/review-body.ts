import { fromUtf8 } from '../../base/digest.ts'
import { decodeBase64, encodeBase64 } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'

/** GitHub ends bodies here; in UTF-16 code units. */
export const REVIEW_BODY_LENGTH_MAX = 65_536

/** What shows that a statement was signed: SSHSIG armour, or a Sigstore bundle as RFC 8785 JSON. */
export type ReviewProof = string | { readonly bundle: string }

/**
 * The Markdown body of a review: words for people, then the signed statement and its signature in fenced blocks.
 * Lines of the words that would open a fence are escaped.
 *
 * @param statement - UTF-8 of the statement's RFC 8785 form, as it was signed
 * @param sealedPatch - the encrypted payload that the statement names by its root, with the verdict `patch`
 * @throws {PolicyError} PATCH_TOO_LARGE when the body would be longer than a forge keeps
 */
export function formatReviewBody(
  statement: Uint8Array,
  proof: ReviewProof,
  words: string,
  sealedPatch: Uint8Array | null = null,
): string {
  const blocks = [
    STATEMENT_OPEN,
    fromUtf8(statement),
    FENCE,
    '',
    ...(typeof proof === 'string'
      ? [SIGNATURE_OPEN, proof.replaceAll('\r\n', '\n').trimEnd()]
      : [SIGSTORE_OPEN, proof.bundle]),
    FENCE,
    '',
    ...(sealedPatch === null ? [] : [PATCH_OPEN, encodeBase64(sealedPatch), FENCE, '']),
  ].join('\n')
  const left = REVIEW_BODY_LENGTH_MAX - blocks.length - 2
  if (left < 0) {
    throw new PolicyError(
      'PATCH_TOO_LARGE',
      `expected a review of at most ${REVIEW_BODY_LENGTH_MAX} characters; shorten the patch or the comment`,
    )
  }
  const head = words.replace(/\r\n?/g, '\n').replace(/^([ \t]*)(?=```|~~~)/gm, '$1\\')
  return `${head.slice(0, left).toWellFormed().trimEnd()}\n\n${blocks}`
}

export type ReviewBlocks = {
  /** The signed bytes as text. */
  readonly statement: string
  /** Not signed itself: the statement names what it must open to. */
  readonly sealedPatch: Uint8Array | null
} & (
  | {
      readonly kind: 'ssh'
      /** SSHSIG armour with line feeds, as `ssh-keygen` writes it. */
      readonly signature: string
    }
  | {
      readonly kind: 'sigstore'
      /** JSON on one line. */
      readonly bundle: string
    }
)

/**
 * Takes the signed blocks, and the sealed patch if there is one, out of a review's body; null when the body carries none. Line ends may be CRLF.
 * Whatever stands around the blocks is not looked at, so their markers may stand nowhere else.
 *
 * @throws {PolicyError} REVIEW_MALFORMED unless there is exactly one whole block of each, in this order: statement, signature
 *   of either kind, patch
 */
export function parseReviewBody(body: string): ReviewBlocks | null {
  const lines = body.split(/\r?\n/)
  const marks = lines.flatMap((line, index) => (isMark(line) ? [index] : []))
  if (marks.length === 0) return null
  if (body.length > REVIEW_BODY_LENGTH_MAX) throw malformed('a body that no forge has cut')
  const [first, second, third] = marks
  if (marks.length > 3 || first === undefined || second === undefined) {
    throw malformed('exactly one statement and one signature block')
  }
  const [opened, signed] = [lines[first], lines[second]]
  if (opened !== STATEMENT_OPEN || (signed !== SIGNATURE_OPEN && signed !== SIGSTORE_OPEN)) {
    throw malformed('the statement block, then the signature block')
  }
  const statementEnd = lines.indexOf(FENCE, first + 1)
  const signatureEnd = lines.indexOf(FENCE, second + 1)
  const statement = lines[first + 1]
  if (statement === undefined || statementEnd !== first + 2 || statementEnd > second) {
    throw malformed('one line of JSON in the statement block')
  }
  if (signatureEnd < 0) throw malformed('the end of the signature block')
  const sealedPatch = third === undefined ? null : parsePatchBlock(lines.slice(third))
  const proof = lines.slice(second + 1, signatureEnd)
  if (signed === SIGNATURE_OPEN) {
    return { kind: 'ssh', statement, signature: `${proof.join('\n')}\n`, sealedPatch }
  }
  const [bundle] = proof
  if (bundle === undefined || proof.length !== 1) throw malformed('one line in the Sigstore block')
  return { kind: 'sigstore', statement, bundle, sealedPatch }
}

function parsePatchBlock([open, text, close]: readonly string[]): Uint8Array {
  if (open !== PATCH_OPEN || text === undefined || close !== FENCE) {
    throw malformed('one line of base64 in the patch block, after the signature block')
  }
  try {
    return decodeBase64(text)
  } catch (cause) {
    throw malformed('base64 in the patch block', cause)
  }
}

// The marker stands as the fence's info string: forges keep it and do not show it.
const MARK = '```countersign-'
const STATEMENT_OPEN = `${MARK}statement`
const SIGNATURE_OPEN = `${MARK}signature`
const SIGSTORE_OPEN = `${MARK}sigstore`
const PATCH_OPEN = `${MARK}patch`
const FENCE = '```'

/** Whether a body claims to be signed, soundly or not. */
export function carriesBlocks(body: string): boolean {
  return body.split(/\r?\n/).some(isMark)
}

function isMark(line: string): boolean {
  return line.trimStart().startsWith(MARK)
}

export function malformed(expected: string, cause?: unknown): PolicyError {
  return new PolicyError('REVIEW_MALFORMED', `expected ${expected}`, { cause })
}
