import { PolicyError } from '../base/errors.ts'
import { parseSecretReference } from '../base/secret-reference.ts'
import { isWebhookAddress } from '../host/notify/index.ts'
import type { CompiledPolicy } from '../model/generated/types.ts'
import type { Forge, SecretProviders } from '../model/ports.ts'
import type { Examination } from './doctor.ts'

/** Looks at the forge with the credentials of the surroundings: where it is, who they act as, what they may read. */
export async function examineForge(
  forge: Pick<Forge, 'identity' | 'self' | 'openPulls'>,
): Promise<readonly Examination[]> {
  try {
    const { kind, host, repository } = await forge.identity()
    const place: Examination = {
      ...{ name: 'forge', state: 'ok' },
      message: `${kind} ${host} ${repository}`,
    }
    if (kind === 'local') return [place]
    const self = await forge.self()
    const open = await forge.openPulls('all')
    return [
      place,
      {
        ...{ name: 'forge account', state: 'ok' },
        message:
          self === null
            ? 'the credentials act as no account that reviews'
            : `the credentials act as account ${self}; its reviews count for nobody else`,
      },
      { name: 'forge requests', state: 'ok', message: `${open.length} pull requests are open` },
    ]
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    return [{ name: 'forge', state: 'failed', message: `${error.code}: ${error.message}` }]
  }
}

/** Looks at the targets of notices as far as that goes without sending one. Holds no address that is secret. */
export async function examineNotices(
  { notify = [], people }: Pick<CompiledPolicy, 'notify' | 'people'>,
  around: {
    readonly secrets: SecretProviders
    readonly environment: Readonly<Record<string, string | undefined>>
  },
): Promise<readonly Examination[]> {
  const found: Examination[] = []
  for (const { webhook, smtp } of notify) {
    if (webhook !== undefined) found.push(await examineWebhook(webhook, around.secrets))
    if (smtp !== undefined) found.push(examineMail(smtp, people, around.environment))
  }
  return found
}

async function examineWebhook(text: string, secrets: SecretProviders): Promise<Examination> {
  const failed = (why: string): Examination => ({
    ...{ name: 'notices', state: 'failed' },
    message: `${text}: ${why}`,
  })
  const reference = parseSecretReference(text)
  const provider = reference === null ? null : secrets[reference.provider]
  if (reference === null || provider === null) return failed('no provider is set up for it')
  try {
    const url = (await provider.read(reference.name)).trim()
    if (!URL.canParse(url)) return failed('its value is no address')
    if (!isWebhookAddress(url)) return failed('its address is not https')
    return {
      name: 'notices',
      state: 'ok',
      message: `${text} is an address; nothing was sent to it`,
    }
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    return failed(error.code)
  }
}

function examineMail(
  { host, port }: NonNullable<NonNullable<CompiledPolicy['notify']>[number]['smtp']>,
  people: CompiledPolicy['people'],
  {
    COUNTERSIGN_SMTP_USER: user,
    COUNTERSIGN_SMTP_PASSWORD: password,
  }: Readonly<Record<string, string | undefined>>,
): Examination {
  const server = `mail server ${host}:${port}`
  if (!user !== !password) {
    const message = `${server}: set both COUNTERSIGN_SMTP_USER and COUNTERSIGN_SMTP_PASSWORD, or neither`
    return { name: 'notices', state: 'failed', message }
  }
  const without = people.filter(({ email }) => email === undefined).map(({ id }) => id)
  const login = user ? 'with a login' : 'without a login'
  if (without.length === 0) return { name: 'notices', state: 'ok', message: `${server}, ${login}` }
  const message = `${server}, ${login}: no "email" on the roster for ${without.join(', ')}`
  return { name: 'notices', state: 'warning', message }
}
