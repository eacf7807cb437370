import { utf8 } from '../../../src/base/digest.ts'
import { encodeBase64url } from '../../../src/base/encoding.ts'
import { tokenChecksum } from '../../../src/decide/detect/secret-tokens.ts'

// Everything here is put together at run time, so that no scanner takes this repository for one that leaks.

const DIGITS = '0123456789'
const LOWER = 'abcdefghijklmnopqrstuvwxyz'
const UPPER = LOWER.toUpperCase()
export const HEX = '0123456789abcdef'
export const BASE32 = `${UPPER}234567`
export const BASE62 = DIGITS + UPPER + LOWER
export const BASE64 = `${BASE62}+/`
export const URL64 = `${BASE62}-_`

/** The same random-looking text for the same seed. */
export function body(alphabet: string, length: number, seed = 1): string {
  let state = seed * 2_654_435_761 + length
  let text = ''
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    text += alphabet.charAt((state >>> 8) % alphabet.length)
  }
  return text
}

/** A body with upper case, lower case and digits in it, whatever the seed gave. */
export function mixed(alphabet: string, length: number, seed = 1): string {
  return `aZ7${body(alphabet, length - 6, seed)}9Kq`
}

export function checksummed(prefix: string, seed = 1): string {
  const random = body(BASE62, 30, seed)
  return prefix + random + tokenChecksum(random)
}

export function jwt(header: object = { alg: 'HS256', typ: 'JWT' }): string {
  const part = (value: object) => encodeBase64url(utf8(JSON.stringify(value)))
  return [part(header), part({ sub: '1234567890' }), body(URL64, 43)].join('.')
}

export function pem(label: string, lines = 4): string {
  const dashes = '-'.repeat(5)
  const content = Array.from({ length: lines }, (_, i) => body(BASE64, 64, i + 1)).join('\n')
  return [`${dashes}BEGIN ${label}${dashes}`, content, `${dashes}END ${label}${dashes}`].join('\n')
}

const sk = (...parts: string[]) => ['sk', ...parts].join('-')

/** One valid credential for each format, by kind; `name` tells those of one kind apart. */
export const SAMPLES: readonly {
  readonly kind: string
  readonly name: string
  readonly text: string
  /** The text that it stands in, where the credential alone says too little. */
  readonly within?: (text: string) => string
  /** The member that holds the text, likewise. */
  readonly memberName?: string
}[] = [
  { kind: 'aws_access_key_id', name: 'long-term', text: `AK${'IA'}${body(BASE32, 16)}` },
  { kind: 'aws_access_key_id', name: 'temporary', text: `AS${'IA'}${body(BASE32, 16, 2)}` },
  {
    kind: 'aws_secret_key',
    name: 'in a variable',
    text: mixed(BASE64, 40),
    within: (text) => `AWS_SECRET_ACCESS_KEY=${text}`,
  },
  {
    kind: 'aws_secret_key',
    name: 'in its member',
    text: mixed(BASE64, 40, 3),
    memberName: 'SecretAccessKey',
  },
  {
    kind: 'aws_secret_key',
    name: 'beside an id',
    text: mixed(BASE64, 40, 4),
    within: (text) => `AK${'IA'}${body(BASE32, 16, 9)},${text}`,
  },
  ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((prefix, i) => ({
    kind: 'github_token',
    name: prefix,
    text: checksummed(prefix, i + 1),
  })),
  {
    kind: 'github_token',
    name: 'fine-grained',
    text: `github_${'pat'}_${body(BASE62, 22)}_${body(BASE62, 59, 2)}`,
  },
  { kind: 'github_token', name: 'stateless', text: `ghs_${body(DIGITS, 7)}_${jwt()}` },
  { kind: 'gitlab_token', name: 'personal', text: `gl${'pat'}-${body(URL64, 20)}` },
  {
    kind: 'gitlab_token',
    name: 'routable',
    text: `gl${'pat'}-${body(URL64, 27)}.01.${body(HEX, 9)}`,
  },
  { kind: 'gitlab_token', name: 'runner', text: `gl${'rt'}-${body(URL64, 20, 3)}` },
  {
    kind: 'slack_token',
    name: 'bot',
    text: `xo${'xb'}-${body(DIGITS, 12)}-${body(DIGITS, 12, 2)}-${body(BASE62, 24)}`,
  },
  {
    kind: 'slack_token',
    name: 'app',
    text: `xa${'pp'}-1-A${body(UPPER, 9)}-${body(DIGITS, 12)}-${body(HEX, 64)}`,
  },
  {
    kind: 'slack_webhook',
    name: 'incoming',
    text: `hooks.slack.com/${'services'}/T${body(UPPER, 8)}/B${body(UPPER, 8, 2)}/${body(BASE62, 24)}`,
    within: (text) => `https://${text}`,
  },
  { kind: 'stripe_key', name: 'live', text: `sk_${'live'}_${body(BASE62, 24)}` },
  { kind: 'stripe_key', name: 'restricted', text: `rk_${'test'}_${body(BASE62, 99)}` },
  { kind: 'stripe_key', name: 'webhook', text: `wh${'sec'}_${body(BASE64, 32)}` },
  { kind: 'google_api_key', name: 'key', text: `AI${'za'}${body(URL64, 35)}` },
  { kind: 'google_oauth_secret', name: 'client', text: `GOC${'SPX'}-${body(URL64, 28)}` },
  { kind: 'google_oauth_secret', name: 'access', text: `ya${'29'}.a0${body(URL64, 120)}` },
  {
    kind: 'openai_key',
    name: 'project',
    text: sk('proj', `${body(URL64, 74)}T3Blbk${'FJ'}${body(URL64, 74, 2)}`),
  },
  {
    kind: 'openai_key',
    name: 'legacy',
    text: sk(`${body(BASE62, 20)}T3Blbk${'FJ'}${body(BASE62, 20, 2)}`),
  },
  { kind: 'openai_key', name: 'in its manner', text: sk(`4${body(HEX, 31)}`) },
  { kind: 'anthropic_key', name: 'api', text: sk('ant', 'api03', `${body(URL64, 93)}AA`) },
  { kind: 'npm_token', name: 'granular', text: checksummed('npm_', 7) },
  { kind: 'pypi_token', name: 'upload', text: `pypi-AgEIcHlwaS5vcmc${body(URL64, 150)}` },
  { kind: 'sendgrid_key', name: 'key', text: `S${'G'}.${body(URL64, 22)}.${body(URL64, 43, 2)}` },
  { kind: 'twilio_key', name: 'key', text: `S${'K'}${body(HEX, 32)}` },
  {
    kind: 'azure_storage_key',
    name: 'in a connection string',
    text: `${mixed(BASE64, 86)}==`,
    within: (text) => `DefaultEndpointsProtocol=https;AccountName=a;AccountKey=${text};`,
  },
  {
    kind: 'azure_storage_key',
    name: 'marked',
    text: `${mixed(BASE64, 76, 2)}+A${'St'}${body(BASE62, 6)}==`,
  },
  {
    kind: 'azure_sas_token',
    name: 'signature',
    text: `${mixed(BASE62, 42)}%3D`,
    within: (text) => `https://a.blob.example/c?sv=2024-11-04&se=2027-01-01&sr=c&sig=${text}`,
  },
  {
    kind: 'azure_client_secret',
    name: 'secret',
    text: `${body(BASE62, 3)}8Q${'~'}${body(`${BASE62}_~.-`, 34)}`,
  },
  { kind: 'jwt', name: 'signed', text: jwt() },
  {
    kind: 'jwt',
    name: 'encrypted',
    text: `${jwt({ alg: 'dir', enc: 'A256GCM' })}.${body(URL64, 30)}.${body(URL64, 22)}`,
  },
  { kind: 'private_key', name: 'RSA', text: pem(`RSA ${'PRIVATE'} KEY`) },
  { kind: 'private_key', name: 'PKCS 8', text: pem(`${'PRIVATE'} KEY`) },
  { kind: 'private_key', name: 'encrypted', text: pem(`ENCRYPTED ${'PRIVATE'} KEY`) },
  { kind: 'private_key', name: 'OpenSSH', text: pem(`OPENSSH ${'PRIVATE'} KEY`) },
  { kind: 'private_key', name: 'PGP', text: pem(`PGP ${'PRIVATE'} KEY BLOCK`) },
  {
    kind: 'private_key',
    name: 'OpenSSH without label',
    text: `b3BlbnNzaC1${'rZXktdjE'}${body(BASE64, 200)}`,
  },
  {
    kind: 'private_key',
    name: 'PuTTY',
    text: `PuTTY-User-${'Key'}-File-3: ssh-ed25519\nPrivate-Lines: 1\n${body(BASE64, 48)}\nPrivate-MAC: ${body(HEX, 64)}`,
  },
  {
    kind: 'url_password',
    name: 'database',
    text: 'hunter2',
    within: (text) => `postgres://app:${text}@db.internal:5432/orders`,
  },
  {
    kind: 'url_password',
    name: 'token as user',
    text: mixed(BASE62, 40, 5),
    within: (text) => `https://${text}@git.example.com/a/b.git`,
  },
  {
    kind: 'url_password',
    name: 'with an at sign',
    text: 'p@ss/',
    within: () => 'amqp://guest:p@ss@mq:5672/',
  },
  {
    kind: 'connection_string',
    name: 'ADO.NET',
    text: 'hunter2',
    within: (text) => `Server=tcp:db,1433;User ID=sa;Password=${text};Encrypt=true`,
  },
  {
    kind: 'connection_string',
    name: 'libpq, quoted',
    text: 'two words',
    within: (text) => `host=db user=app password='${text}' dbname=x`,
  },
  {
    kind: 'connection_string',
    name: 'ADO.NET, spaces around the equals signs',
    text: 'hunter2',
    within: (text) => `Server = tcp:db; User ID = sa; Password = ${text}; Encrypt = true`,
  },
  {
    kind: 'connection_string',
    name: 'ADO.NET, a quote within',
    text: 'hun""ter;2',
    within: (text) => `Server=db;Password="${text}";Encrypt=true`,
  },
  {
    kind: 'connection_string',
    name: 'libpq, a quote within',
    text: "it\\'s hunter2",
    within: (text) => `host=db password='${text}' dbname=x`,
  },
  {
    kind: 'connection_string',
    name: 'ODBC, in braces',
    text: 'hun;t}}er2',
    within: (text) => `Driver={x};Server=db;PWD={${text}};Encrypt=yes`,
  },
  {
    kind: 'authorization_header',
    name: 'bearer in a text',
    text: 'opaque-value-1',
    within: (text) => `curl -H "Authorization: Bearer ${text}" https://x.example`,
  },
  {
    kind: 'authorization_header',
    name: 'basic in its member',
    text: 'dXNlcjpwYXNz',
    within: (text) => `Basic ${text}`,
    memberName: 'Authorization',
  },
  {
    kind: 'authorization_header',
    name: 'an API key',
    text: mixed(BASE62, 24, 6),
    within: (text) => `X-Api-Key: ${text}`,
  },
  { kind: 'password', name: 'weak', text: 'hunter2', memberName: 'dbPassword' },
  { kind: 'password', name: 'words', text: 'correct horse', memberName: 'user_passphrase' },
  {
    kind: 'generic_secret',
    name: 'hexadecimal after a word',
    text: body(HEX, 32, 3),
    within: (text) => `the token is ${text}, keep it`,
  },
  {
    kind: 'generic_secret',
    name: 'base 64 assigned',
    text: mixed(BASE62, 24, 8),
    within: (text) => `CLIENT_SECRET=${text}`,
  },
  {
    kind: 'generic_secret',
    name: 'in its member',
    text: 'x7Kq9-Zt4!pL',
    memberName: 'clientSecret',
  },
  {
    kind: 'generic_secret',
    name: 'a UUID assigned',
    text: '6f1c2d3e-4b5a-4c7d-8e9f-0a1b2c3d4e5f',
    within: (text) => `api_key: ${text}`,
  },
  { kind: 'vendor_token', name: 'Hugging Face', text: `h${'f'}_${body(BASE62, 34)}` },
  { kind: 'vendor_token', name: 'Databricks', text: `da${'pi'}${body(HEX, 32)}` },
  { kind: 'vendor_token', name: 'DigitalOcean', text: `do${'p'}_v1_${body(HEX, 64)}` },
  { kind: 'vendor_token', name: 'Docker', text: `dckr_${'pat'}_${body(URL64, 27)}` },
  { kind: 'vendor_token', name: 'Shopify', text: `shp${'at'}_${body(HEX, 32)}` },
  { kind: 'vendor_token', name: 'Vault', text: `hv${'s'}.${body(URL64, 24)}` },
  {
    kind: 'vendor_token',
    name: 'Telegram',
    text: `${body('123456789', 10)}:A${'A'}${body(URL64, 33)}`,
  },
  { kind: 'vendor_token', name: 'Mailchimp', text: `${body(HEX, 32)}-${'us'}12` },
  {
    kind: 'vendor_token',
    name: 'Terraform Cloud',
    text: `${body(BASE62, 14)}.atlas${'v1'}.${body(URL64, 67)}`,
  },
  { kind: 'vendor_token', name: 'age', text: `AGE-SECRET-${'KEY'}-1${body(UPPER, 58)}` },
]
