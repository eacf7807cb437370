import type { Span } from './detector.ts'
import type { Alphabet } from './scan.ts'
import {
  alphabet,
  BASE62,
  BASE64URL,
  crc32,
  DIGITS,
  HEX,
  HEX_LOWER,
  isAt,
  isWithinWord,
  LOWER,
  placesOf,
  runFinder,
  shannonEntropy,
  UPPER,
  WORD,
} from './scan.ts'

/** A token that begins with a prefix of its own, as its issuer documents it. */
type TokenFormat = {
  readonly kind: string
  readonly prefixes: readonly string[]
  /** What follows the prefix, and how long it is. */
  readonly body: Alphabet
  readonly min: number
  readonly max: number
  /** Whether the prefix is too common to stand within a word. */
  readonly bounded?: true
  /** What else must hold of the body. */
  accepts?(body: string, prefix: string): boolean
}

/** Tokens of one kind in a text. Time is linear in the text for each prefix. */
export function findTokens(text: string, kind: string): readonly Span[] {
  const spans: Span[] = []
  for (const format of BY_KIND.get(kind) ?? []) {
    for (const prefix of format.prefixes) {
      if (text.length < prefix.length + format.min) continue
      collect(spans, text, format, prefix)
    }
  }
  return spans
}

/** The kinds of the table. */
export function tokenKinds(): readonly string[] {
  return [...BY_KIND.keys()]
}

/** What a text must hold one of to hold any of these tokens. */
export function tokenPrefixes(): readonly string[] {
  return FORMATS.flatMap(({ prefixes }) => prefixes)
}

/** Fewer bits for each character than any issuer's random part has: a placeholder such as `xxxx` or `1234`. */
export const PLACEHOLDER_ENTROPY = 2.5

/** Whether a text could be random. */
export function isVaried(text: string): boolean {
  return shannonEntropy(text) >= PLACEHOLDER_ENTROPY
}

function collect(spans: Span[], text: string, format: TokenFormat, prefix: string): void {
  const { kind, min, max } = format
  const endOf = runFinder(text, format.body)
  let taken = 0
  for (const start of placesOf(text, prefix)) {
    if (start < taken || (format.bounded && isWithinWord(text, start))) continue
    const from = start + prefix.length
    const run = endOf(from)
    if (run - from < min || run - from > max + TRAILING_MAX) continue
    const end = trimmedEnd(text, from, run)
    const length = end - from
    if (length < min || length > max || isAt(text, end, WORD)) continue
    const body = text.slice(from, end)
    if (!isVaried(body) || format.accepts?.(body, prefix) === false) continue
    spans.push({ kind, start, end })
    taken = end
  }
}

const TRAILING_MAX = 8

/** Full stops at the end are the sentence's. */
function trimmedEnd(text: string, from: number, end: number): number {
  let last = end
  while (last > from && end - last < TRAILING_MAX && text.charAt(last - 1) === '.') last--
  return last
}

const BASE32 = alphabet('', '27', 'AZ') // RFC 4648 section 6.
const DOTTED = alphabet('_.-', '09', 'AZ', 'az')
const OPEN_ENDED = 4096 // Of tokens whose issuer names no greatest length.

const hasDigit = (body: string): boolean => [...body].some((_, i) => isAt(body, i, DIGITS))

/**
 * GitHub's and npm's checksum: the last six characters are the CRC-32 of those before, in base 62.
 * Source: GitHub blog, "Behind GitHub's new authentication token formats" (2021) and "npm has a new access token format".
 */
export function tokenChecksum(random: string): string {
  let rest = crc32(random)
  let text = ''
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    text = BASE62_DIGITS.charAt(rest % 62) + text
    rest = Math.floor(rest / 62)
  }
  return text
}

const CHECKSUM_LENGTH = 6
const BASE62_DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

const hasChecksum = (body: string): boolean =>
  tokenChecksum(body.slice(0, -CHECKSUM_LENGTH)) === body.slice(-CHECKSUM_LENGTH)

/** An OpenAI key holds this mark in its middle: base64 of `OpenAI`. */
const OPENAI_MARK = 'T3BlbkFJ'

// Each line's source is the issuer's own documentation unless it says otherwise.
const FORMATS: readonly TokenFormat[] = [
  // AWS IAM user guide, "IAM identifiers": AKIA long-term, ASIA temporary, ABIA bearer, ACCA context-specific. Its own
  // examples end in EXAMPLE.
  {
    kind: 'aws_access_key_id',
    prefixes: ['AKIA', 'ASIA', 'ABIA', 'ACCA'],
    body: BASE32,
    min: 16,
    max: 16,
    accepts: (body) => !body.endsWith('EXAMPLE'),
  },
  // GitHub docs, "About authentication to GitHub". GitHub says that tokens may grow: a longer body is of a format whose
  // checksum nobody has published.
  {
    kind: 'github_token',
    prefixes: ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'],
    body: WORD,
    min: 36,
    max: 255,
    accepts: (body) => (body.length > 36 ? hasDigit(body) : hasChecksum(body)),
  },
  // GitHub changelog, April 2026: an installation token may be `ghs_APPID_JWT`.
  {
    kind: 'github_token',
    prefixes: ['ghs_'],
    body: DOTTED,
    min: 36,
    max: OPEN_ENDED,
    accepts: (body) => body.includes('_eyJ') && body.includes('.'),
  },
  // The same page; 22 characters, `_`, 59 characters. How its checksum is made is not published.
  {
    kind: 'github_token',
    prefixes: ['github_pat_'],
    body: WORD,
    min: 82,
    max: 255,
    accepts: (body) => body.charAt(22) === '_',
  },
  // GitLab docs, "Token overview", section "Token prefixes"; routable tokens have parts after dots.
  {
    kind: 'gitlab_token',
    prefixes: [
      'glpat-',
      'gloas-',
      'gldt-',
      'glrt-',
      'glrtr-',
      'glcbt-',
      'glptt-',
      'glft-',
      'glimt-',
      'glagent-',
      'glwt-',
      'glsoat-',
      'glffct-',
      'GR1348941',
    ],
    body: DOTTED,
    min: 20,
    max: 512,
  },
  // Slack docs, "Token types"; `xapp-` of an app, `xoxe-` a refresh token, `xoxc-` and `xoxd-` of its own clients.
  {
    kind: 'slack_token',
    prefixes: [
      'xoxb-',
      'xoxp-',
      'xoxa-',
      'xoxo-',
      'xoxs-',
      'xoxr-',
      'xoxe-',
      'xoxc-',
      'xoxd-',
      'xapp-',
    ],
    body: alphabet('-%', '09', 'AZ', 'az'),
    min: 20,
    max: OPEN_ENDED,
    accepts: hasDigit,
  },
  // Slack docs, "Sending messages using incoming webhooks": who has the address may post.
  {
    kind: 'slack_webhook',
    prefixes: [
      'hooks.slack.com/services/T',
      'hooks.slack.com/workflows/T',
      'hooks.slack.com/triggers/',
    ],
    body: alphabet('/', '09', 'AZ', 'az'),
    min: 30,
    max: 256,
  },
  // Stripe docs, "API keys": secret and restricted keys; publishable ones (`pk_`) are no secret.
  {
    kind: 'stripe_key',
    prefixes: ['sk_live_', 'sk_test_', 'rk_live_', 'rk_test_'],
    body: BASE62,
    min: 16,
    max: 256,
  },
  // Stripe docs, "Check the webhook signatures".
  {
    kind: 'stripe_key',
    prefixes: ['whsec_'],
    body: alphabet('+/=', '09', 'AZ', 'az'),
    min: 24,
    max: 256,
  },
  // Google Cloud docs, "Manage API keys": 39 characters.
  { kind: 'google_api_key', prefixes: ['AIza'], body: BASE64URL, min: 35, max: 35 },
  // Google identity docs: client secret, access token.
  { kind: 'google_oauth_secret', prefixes: ['GOCSPX-'], body: BASE64URL, min: 28, max: 28 },
  { kind: 'google_oauth_secret', prefixes: ['ya29.'], body: DOTTED, min: 20, max: OPEN_ENDED },
  // OpenAI docs, "API keys"; the mark is what their secret scanning partnership goes by.
  {
    kind: 'openai_key',
    prefixes: ['sk-'],
    body: BASE64URL,
    min: 20,
    max: 512,
    bounded: true,
    accepts: (body) => body.includes(OPENAI_MARK),
  },
  // Keys in OpenAI's manner without the mark: other vendors of the same API.
  {
    kind: 'openai_key',
    prefixes: ['sk-'],
    body: BASE62,
    min: 32,
    max: 128,
    bounded: true,
    accepts: hasDigit,
  },
  {
    kind: 'openai_key',
    prefixes: ['sk-or-v1-', 'sk-proj-', 'sk-svcacct-', 'sk-admin-'],
    body: BASE64URL,
    min: 32,
    max: 512,
    accepts: hasDigit,
  },
  // Anthropic docs, "API overview"; `sk-ant-api03-`, `sk-ant-admin01-`, `sk-ant-oat01-`.
  {
    kind: 'anthropic_key',
    prefixes: ['sk-ant-'],
    body: BASE64URL,
    min: 32,
    max: 512,
    accepts: hasDigit,
  },
  { kind: 'npm_token', prefixes: ['npm_'], body: BASE62, min: 36, max: 36, accepts: hasChecksum },
  // PyPI help: `pypi-` and a macaroon, whose first field names the place (pypi.org, test.pypi.org).
  {
    kind: 'pypi_token',
    prefixes: ['pypi-AgEIcHlwaS5vcmc', 'pypi-AgENdGVzdC5weXBpLm9yZw'],
    body: BASE64URL,
    min: 50,
    max: OPEN_ENDED,
  },
  // SendGrid docs: `SG.`, 22 characters, a dot, 43 characters.
  {
    kind: 'sendgrid_key',
    prefixes: ['SG.'],
    body: DOTTED,
    min: 66,
    max: 66,
    bounded: true,
    accepts: (body) => body.indexOf('.') === 22 && body.lastIndexOf('.') === 22,
  },
  // Twilio docs, "API keys": SK and 32 hexadecimal digits. An account's id (AC) is no secret.
  { kind: 'twilio_key', prefixes: ['SK'], body: HEX_LOWER, min: 32, max: 32, bounded: true },
  // Tokens of further services, each with a prefix of its own in its issuer's documentation.
  vendor(['hf_', 'api_org_'], BASE62, 34, 34), // Hugging Face, "User access tokens".
  vendor(['dapi'], HEX_LOWER, 32, 32), // Databricks personal access tokens.
  vendor(['dop_v1_', 'doo_v1_', 'dor_v1_'], HEX_LOWER, 64, 64), // DigitalOcean API.
  vendor(['dckr_pat_', 'dckr_oat_'], BASE64URL, 27, 64), // Docker access tokens.
  vendor(['shpat_', 'shpca_', 'shppa_', 'shpss_'], HEX, 32, 32), // Shopify.
  vendor(['hvs.', 'hvb.', 'hvr.'], BASE64URL, 24, OPEN_ENDED), // HashiCorp Vault, "Tokens".
  vendor(['dp.pt.', 'dp.st.', 'dp.ct.', 'dp.sa.'], DOTTED, 40, 64), // Doppler.
  vendor(['lin_api_'], BASE62, 40, 40), // Linear.
  vendor(['ntn_'], BASE62, 40, 64), // Notion.
  vendor(['glsa_'], WORD, 41, 41), // Grafana service accounts: 32 characters, `_`, checksum.
  vendor(['glc_'], alphabet('+/=', '09', 'AZ', 'az'), 32, 400), // Grafana Cloud.
  vendor(['rubygems_'], HEX_LOWER, 48, 48), // RubyGems.
  vendor(['cio'], BASE62, 32, 32), // crates.io, RFC 3231.
  vendor(['PMAK-'], alphabet('-', '09', 'af'), 59, 59), // Postman.
  vendor(['pscale_tkn_', 'pscale_pw_', 'pscale_oauth_'], DOTTED, 32, 64), // PlanetScale.
  vendor(['figd_'], BASE64URL, 40, 64), // Figma.
  vendor(['sntrys_', 'sntryu_'], alphabet('+/=_', '09', 'AZ', 'az'), 40, 512), // Sentry, RFC 0091.
  vendor(['gsk_'], BASE62, 52, 52), // Groq.
  vendor(['xai-'], BASE62, 80, 80), // xAI.
  vendor(['r8_'], BASE62, 37, 37), // Replicate.
  vendor(['pplx-'], BASE62, 48, 48), // Perplexity.
  vendor(['NRAK-'], UPPER, 27, 27), // New Relic user keys.
  vendor(['NRII-'], BASE64URL, 32, 32), // New Relic ingest keys.
  vendor(['sq0atp-'], BASE64URL, 22, 22), // Square access tokens.
  vendor(['sq0csp-'], BASE64URL, 43, 43), // Square application secrets.
  vendor(['ATATT3xFfGF0'], alphabet('_=-', '09', 'AZ', 'az'), 60, 512), // Atlassian.
  vendor(['HRKU-'], alphabet('_-', '09', 'AZ', 'az'), 36, 64), // Heroku.
  vendor(['pul-'], HEX_LOWER, 40, 40), // Pulumi.
  vendor(['AGE-SECRET-KEY-1'], UPPER, 58, 58), // age, C2SP age specification.
  vendor(['ops_eyJ'], BASE64URL, 200, OPEN_ENDED), // 1Password service accounts.
  vendor(['tskey-auth-', 'tskey-api-', 'tskey-client-'], BASE64URL, 20, 96), // Tailscale.
  vendor(['lsv2_pt_', 'lsv2_sk_'], WORD, 43, 43), // LangSmith.
  vendor(['CCIPAT_'], WORD, 40, 80), // CircleCI.
  vendor(['xkeysib-'], alphabet('-', '09', 'AZ', 'az'), 81, 81), // Brevo.
  vendor(['key-'], HEX_LOWER, 32, 32), // Mailgun.
  vendor(['sbp_'], HEX_LOWER, 40, 40), // Supabase.
  vendor(['pnu_', 'pnb_'], LOWER, 36, 36), // Prefect.
]

function vendor(
  prefixes: readonly string[],
  body: Alphabet,
  min: number,
  max: number,
): TokenFormat {
  const bounded = prefixes.some((prefix) => prefix.length <= 4)
  return { kind: 'vendor_token', prefixes, body, min, max, ...(bounded ? { bounded } : {}) }
}

const BY_KIND: ReadonlyMap<string, readonly TokenFormat[]> = Map.groupBy(
  FORMATS,
  ({ kind }) => kind,
)
