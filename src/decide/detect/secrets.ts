import type { Detector, FindContext, Span } from './detector.ts'
import type { FoldedText } from './personal-text.ts'
import { foldedText } from './personal-text.ts'
import {
  findAwsSecretKeys,
  findAzureClientSecrets,
  findAzureSignatures,
  findAzureStorageKeys,
  findGenericSecrets,
  findPasswords,
  joined,
} from './secret-context.ts'
import {
  findAuthorizations,
  findConnectionStrings,
  findJwts,
  findPrivateKeys,
  findShapedTokens,
  findUrlPasswords,
} from './secret-shapes.ts'
import { findTokens, tokenKinds, tokenPrefixes } from './secret-tokens.ts'

type Find = (text: string, context: FindContext) => readonly Span[]

// Beside those that a prefix gives away.
const OTHERS: Readonly<Record<string, Find>> = {
  authorization_header: findAuthorizations,
  aws_secret_key: findAwsSecretKeys,
  azure_client_secret: findAzureClientSecrets,
  azure_sas_token: findAzureSignatures,
  azure_storage_key: findAzureStorageKeys,
  connection_string: findConnectionStrings,
  generic_secret: findGenericSecrets,
  jwt: findJwts,
  password: findPasswords,
  private_key: findPrivateKeys,
  url_password: findUrlPasswords,
  vendor_token: findShapedTokens,
}

/** Detectors of credentials, one for each kind, sorted by kind. */
export const SECRET_DETECTORS: readonly Detector[] = [
  ...new Set([...tokenKinds(), ...Object.keys(OTHERS)]),
]
  .sort()
  .map((kind) => ({
    kind,
    find: (original, context) => {
      const { folded, held } = prepare(original, context)
      if (!held) return []
      const { text, span } = folded
      const other = OTHERS[kind]
      const spans = disjoint([...findTokens(text, kind), ...(other?.(text, context) ?? [])])
      return spans.map(({ start, end }) => span(kind, start, end))
    },
  }))

/** One of these stands in every text in which a detector finds something by the text alone. Only literals. */
const TRIGGERS = new RegExp(
  [
    ...tokenPrefixes(),
    ...['eyJ', '-----BEGIN ', 'PuTTY-User-Key-File-', 'b3BlbnNzaC1rZXktdjE', '://'],
    ...[':AA', '-us', '.atlasv1.', 'Q~', 'sig=', '+ASt', 'AKIA', 'ASIA', 'aws', 'azure', 'storage'],
    ...['passw', 'passphrase', 'pwd', 'secret', 'token', 'key', 'credential', 'bearer'],
    ...['authorization', 'sharedaccesssignature'],
  ]
    .map((literal) => literal.replace(/[.+/]/g, '\\$&'))
    .join('|'),
  'i',
)

/** As above, of the names of members, in one word. */
const NAME_TRIGGERS = /passw|passphrase|passcode|pwd|secret|token|key|cred|auth|bearer|azure/i

type Prepared = {
  readonly original: string
  readonly memberName: string | null
  /** What is not seen in a token, such as a character without width, must not hide it. */
  readonly folded: FoldedText
  /** Whether there may be something to find. */
  readonly held: boolean
}

/** Most texts hold nothing, and all detectors ask about the same one: a memo of a pure function. */
function prepare(original: string, { memberName }: FindContext): Prepared {
  if (last?.original !== original || last.memberName !== memberName) {
    const folded = foldedText(original)
    const named = memberName !== null && NAME_TRIGGERS.test(joined(memberName))
    last = { original, memberName, folded, held: named || TRIGGERS.test(folded.text) }
  }
  return last
}

let last: Prepared | null = null

/** The kind that goes by how random a value is and by the words near it. */
export const ENTROPY_KIND = 'generic_secret'

/** Kinds of credentials, sorted. */
export const SECRET_KINDS: readonly string[] = SECRET_DETECTORS.map(({ kind }) => kind)

/** Spans in order; those that overlap become one. */
function disjoint(spans: readonly Span[]): readonly Span[] {
  if (spans.length < 2) return spans
  const merged: Span[] = []
  for (const span of [...spans].sort((a, b) => a.start - b.start || a.end - b.end)) {
    const last = merged.at(-1)
    if (last === undefined || span.start >= last.end) merged.push(span)
    else merged[merged.length - 1] = { ...last, end: Math.max(last.end, span.end) }
  }
  return merged
}
