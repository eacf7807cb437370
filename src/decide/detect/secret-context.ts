import type { FindContext, Span } from './detector.ts'
import { isPlaceholder } from './placeholder.ts'
import {
  alphabet,
  BASE64,
  DIGITS,
  HEX,
  isAt,
  placesOf,
  runEnd,
  runFinder,
  shannonEntropy,
} from './scan.ts'
import { runStart } from './secret-shapes.ts'

/**
 * AWS secret access keys: 40 characters of base 64, which by themselves could be anything, near a word that says what
 * they are or near an access key's id. Source: AWS IAM user guide, "Manage access keys for IAM users".
 */
export function findAwsSecretKeys(
  text: string,
  { memberName }: Pick<FindContext, 'memberName'>,
): readonly Span[] {
  const spans: Span[] = []
  const named = memberName !== null && AWS_NAMES.some((name) => joined(memberName).includes(name))
  for (const { start, end } of runsOf(text, BASE64)) {
    if (end - start !== AWS_SECRET_LENGTH || text.charAt(end) === '=') continue
    const value = text.slice(start, end)
    if (!isMixed(value) || value.endsWith('EXAMPLEKEY')) continue
    if (named || isNear(text, start, end)) spans.push({ kind: 'aws_secret_key', start, end })
  }
  return spans
}

const AWS_SECRET_LENGTH = 40
const AWS_NAMES = ['secretaccesskey', 'awssecret', 'secretkey']
const AWS_NEAR_LENGTH = 96
const AWS_ID_NEAR_LENGTH = 256

function isNear(text: string, start: number, end: number): boolean {
  const before = text.slice(Math.max(0, start - AWS_NEAR_LENGTH), start).toLowerCase()
  if (before.includes('aws') || before.includes('secret')) return true
  const around = text.slice(Math.max(0, start - AWS_ID_NEAR_LENGTH), end + AWS_ID_NEAR_LENGTH)
  return around.includes('AKIA') || around.includes('ASIA')
}

/** Whether a text has upper and lower case and digits, and enough of each. */
function isMixed(text: string): boolean {
  const has = (set: Uint8Array) => [...text].some((_, i) => isAt(text, i, set))
  return has(UPPER_ONLY) && has(LOWER_ONLY) && has(DIGITS) && shannonEntropy(text) >= RANDOM_ENTROPY
}

const UPPER_ONLY = alphabet('', 'AZ')
const LOWER_ONLY = alphabet('', 'az')

/** Random text of 16 characters and more: base 62 has about 3.75 bits for each of 16, and 4.5 of 32. */
const RANDOM_ENTROPY = 3.5

/**
 * Azure storage account keys: 64 bytes in base 64, near a word that says so, or with the mark `+ASt` that Azure puts
 * before their last six characters. Source: Microsoft's documentation of identifiable keys and of connection strings.
 */
export function findAzureStorageKeys(
  text: string,
  { memberName }: Pick<FindContext, 'memberName'>,
): readonly Span[] {
  const spans: Span[] = []
  const named = memberName !== null && AZURE_NAMES.some((name) => joined(memberName).includes(name))
  for (const { start, end } of runsOf(text, BASE64)) {
    if (end - start !== AZURE_KEY_LENGTH || !text.startsWith('==', end)) continue
    const value = text.slice(start, end)
    const before = joined(text.slice(Math.max(0, start - AZURE_NEAR_LENGTH), start))
    const marked = value.startsWith('+ASt', AZURE_MARK_AT)
    if (marked || named || AZURE_NAMES.some((name) => before.includes(name))) {
      if (isMixed(value)) spans.push({ kind: 'azure_storage_key', start, end: end + 2 })
    }
  }
  return spans
}

const AZURE_KEY_LENGTH = 86
const AZURE_MARK_AT = 76
const AZURE_NEAR_LENGTH = 48
const AZURE_NAMES = ['accountkey', 'storagekey', 'azurestorage']

/**
 * Shared access signatures: the parameter `sig` of a query that says what it is good for (`sv`, `se`). Source: Azure
 * Storage REST API, "Create an account SAS".
 */
export function findAzureSignatures(text: string): readonly Span[] {
  const spans: Span[] = []
  if (!text.includes('se=')) return spans
  let taken = 0
  for (const place of placesOf(text, 'sig=')) {
    if (place < taken) continue
    const start = place + 'sig='.length
    const end = runEnd(text.slice(0, start + SIGNATURE_MAX), start, QUERY_VALUE)
    taken = end
    if (end - start < SIGNATURE_MIN || !isMixed(text.slice(start, end))) continue
    spans.push({ kind: 'azure_sas_token', start, end })
  }
  return spans
}

const SIGNATURE_MIN = 43 // 32 bytes in base 64 without padding.
const SIGNATURE_MAX = 128
const QUERY_VALUE = alphabet('%+/=_-', '09', 'AZ', 'az')

/**
 * Secrets of Microsoft Entra applications: three characters, a digit, `Q~` and 31 to 34 more. Source: Microsoft's
 * documentation of identifiable secrets.
 */
export function findAzureClientSecrets(text: string): readonly Span[] {
  const spans: Span[] = []
  for (const place of placesOf(text, 'Q~')) {
    const start = place - ENTRA_LEAD
    const lead = start >= 0 && runEnd(text, start, ENTRA) >= place && isAt(text, place - 1, DIGITS)
    const rest = text.slice(place + 2, place + 2 + ENTRA_REST_MAX + 1)
    const run = runEnd(rest, 0, ENTRA)
    // One more, a full stop, ends a sentence.
    const length = run > ENTRA_REST_MAX && rest.charAt(run - 1) === '.' ? run - 1 : run
    if (!lead || length < ENTRA_REST_MIN || length > ENTRA_REST_MAX) continue
    spans.push({ kind: 'azure_client_secret', start, end: place + 2 + length })
  }
  return spans
}

const ENTRA = alphabet('_~.-', '09', 'AZ', 'az')
const ENTRA_LEAD = 4
const ENTRA_REST_MIN = 31
const ENTRA_REST_MAX = 34

/** The value of a member that is called a password, whatever it looks like, unless it stands for one. */
export function findPasswords(
  text: string,
  { memberName }: Pick<FindContext, 'memberName'>,
): readonly Span[] {
  if (memberName === null || text.length > PASSWORD_MAX || isPlaceholder(text)) return []
  // A list of them is named in the plural.
  const name = joined(memberName).replace(/s$/, '')
  if (!PASSWORD_NAMES.some((word) => name.endsWith(word))) return []
  return [{ kind: 'password', start: 0, end: text.length }]
}

const PASSWORD_MAX = 4096
const PASSWORD_NAMES = ['password', 'passwd', 'passphrase', 'passcode', 'pwd']

/**
 * Values that look random, near a word such as `secret`, `token` or `api_key`, or in a member of such a name: secrets
 * whose format nobody published. What is random is told by Shannon entropy, length and characters.
 */
export function findGenericSecrets(
  text: string,
  { memberName }: Pick<FindContext, 'memberName'>,
): readonly Span[] {
  if (text.length < VALUE_MIN) return []
  if (memberName !== null && isSecretName(memberName) && isSecretValue(text)) {
    return [{ kind: 'generic_secret', start: 0, end: text.length }]
  }
  const spans: Span[] = []
  const endOf = runFinder(text, VALUE)
  let taken = 0
  for (const { index, 0: word } of text.matchAll(KEYWORDS)) {
    const wordEnd = index + word.length
    if (index < taken || text.startsWith('://', wordEnd)) continue
    const from = runEnd(text.slice(0, wordEnd + NAME_REST_MAX), wordEnd, NAME)
    const name = text.slice(runStart(text, index, NAME, NAME_REST_MAX), from)
    if (!isSecretName(name)) continue
    const found = firstRandom(text, from, endOf)
    if (found === null) continue
    spans.push({ kind: 'generic_secret', ...found })
    taken = found.end
  }
  return spans
}

// Literals and at most one optional character each: it cannot backtrack.
const KEYWORDS =
  /passw(?:or)?d|passphrase|secret|token|api[_. -]?key|access[_. -]?key|auth[_. -]?key|private[_. -]?key|signing[_. -]?key|encryption[_. -]?key|account[_. -]?key|credential|bearer/gi
const NAME = alphabet('_.-', '09', 'AZ', 'az')
const NAME_REST_MAX = 40
const NEAR_LENGTH = 48
const VALUE = alphabet('+/=_.~-', '09', 'AZ', 'az')
const VALUE_MIN = 8
const VALUE_MAX = 512
const RANDOM_MIN = 16

const SECRET_NAMES = [
  'password',
  'passwd',
  'passphrase',
  'secret',
  'token',
  'apikey',
  'accesskey',
  'authkey',
  'privatekey',
  'signingkey',
  'encryptionkey',
  'accountkey',
  'credential',
  'bearer',
]

/** Names with such a word that hold no secret: cursors, counts, kinds, and what is public. */
const OTHER_NAMES = [
  'pagetoken',
  'nexttoken',
  'cursortoken',
  'continuationtoken',
  'synctoken',
  'maxtoken',
  'mintoken',
  'tokens',
  'tokencount',
  'tokentype',
  'tokenlimit',
  'tokenusage',
  'tokenid',
  'tokeniz',
  'tokenis',
  'secretary',
  'secretname',
  'secretid',
  'secretref',
  'credentialid',
  'accesskeyid',
  'publickey',
  'idempotency',
]

function isSecretName(name: string): boolean {
  const word = joined(name)
  return (
    SECRET_NAMES.some((one) => word.includes(one)) && !OTHER_NAMES.some((one) => word.includes(one))
  )
}

/** A name without what separates its words, in lower case: `apiKey`, `api_key` and `API-KEY` are one. */
export function joined(name: string): string {
  return name.toLowerCase().replace(/[_.\- ]/g, '')
}

/** The first random value that begins shortly after a word. */
function firstRandom(
  text: string,
  from: number,
  endOf: (start: number) => number,
): { readonly start: number; readonly end: number } | null {
  const limit = Math.min(text.length, from + NEAR_LENGTH)
  let assigned = false
  for (let at = from; at < limit; ) {
    const run = endOf(at)
    if (run === at) {
      assigned ||= ASSIGNMENT.has(text.charAt(at))
      at++
      continue
    }
    // The separator of `key=value` is one of base 64's characters too.
    const start = text.charAt(at) === '=' ? at + 1 : at
    assigned ||= start > at
    const end = trimmed(text, start, run)
    const reference = text.slice(Math.max(0, start - 'secret:'.length), start) === 'secret:'
    if (!reference && isRandomValue(text.slice(start, end), assigned)) return { start, end }
    at = run
  }
  return null
}

const ASSIGNMENT: ReadonlySet<string> = new Set([':', '='])

function trimmed(text: string, start: number, end: number): number {
  return end > start && text.charAt(end - 1) === '.' ? end - 1 : end
}

function isRandomValue(value: string, assigned: boolean): boolean {
  if (value.length < RANDOM_MIN || value.length > VALUE_MAX) return false
  if (isPlaceholder(value) || isSlug(value)) return false
  if (isUuid(value)) return assigned
  const letters = [...value].some(
    (_, i) => isAt(value, i, UPPER_ONLY) || isAt(value, i, LOWER_ONLY),
  )
  const digits = [...value].some((_, i) => isAt(value, i, DIGITS))
  if (!letters || !digits) return false
  const hex = runEnd(value, 0, HEX) === value.length
  return shannonEntropy(value) >= (hex ? HEX_ENTROPY : RANDOM_ENTROPY)
}

/** Of 16 random hexadecimal digits; 32 have about 3.7 bits each. */
const HEX_ENTROPY = 2.8

/** The value of a member that is called a secret: shorter ones count too, and any character but a space. */
function isSecretValue(value: string): boolean {
  if (value.length > VALUE_MAX || isPlaceholder(value) || /\s/.test(value)) return false
  if (value.includes('://') || isSlug(value)) return false
  const classes = [UPPER_ONLY, LOWER_ONLY, DIGITS].filter((set) =>
    [...value].some((_, i) => isAt(value, i, set)),
  ).length
  return classes >= 2 && shannonEntropy(value) >= MEMBER_ENTROPY
}

const MEMBER_ENTROPY = 2.75 // Eight different characters have 3 bits each.

/** Words and numbers with separators between them: an identifier, as people make them. */
function isSlug(value: string): boolean {
  return value.split(SEPARATORS).every(isWordOrNumber)
}

const SEPARATORS = /[-_./=]/

function isWordOrNumber(part: string): boolean {
  const rest = isAt(part, 0, UPPER_ONLY) ? 1 : 0
  if (runEnd(part, 0, DIGITS) === part.length) return true
  return (
    runEnd(part, rest, LOWER_ONLY) === part.length || runEnd(part, 0, UPPER_ONLY) === part.length
  )
}

/** RFC 9562 section 4. */
function isUuid(value: string): boolean {
  const parts = value.split('-')
  return (
    value.length === UUID_LENGTH &&
    parts.length === UUID_PARTS.length &&
    parts.every((part, i) => part.length === UUID_PARTS[i] && runEnd(part, 0, HEX) === part.length)
  )
}

const UUID_LENGTH = 36
const UUID_PARTS = [8, 4, 4, 4, 12]

/** Runs of an alphabet from left to right. */
function* runsOf(
  text: string,
  set: Uint8Array,
): Generator<{ readonly start: number; readonly end: number }> {
  for (let start = 0; start < text.length; ) {
    const end = runEnd(text, start, set)
    if (end > start) yield { start, end }
    start = end + 1
  }
}
