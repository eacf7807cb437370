import { PolicyError } from '../../base/errors.ts'
import { type MailCredentials, openNotifier, type QueuedNotifier } from '../../host/notify/index.ts'
import { openSecretProviders } from '../../host/secrets/index.ts'
import type { CompiledPolicy } from '../../model/generated/types.ts'
import type { SecretProviders } from '../../model/ports.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Who tells people outside the forge, as the policy of the moment says. Nothing is read before the first notice. */
export function openPolicyNotifier(around: {
  readonly policy: () => CompiledPolicy
  /** What a relative folder of secrets lies in. */
  readonly folder: string
  readonly environment: Environment
}): QueuedNotifier {
  const opened = new WeakMap<CompiledPolicy, SecretProviders>()
  return openNotifier({
    policy: around.policy,
    mail: mailCredentials(around.environment),
    secret: async ({ provider, name, text }) => {
      const policy = around.policy()
      const providers = opened.get(policy) ?? noticeSecrets(policy, around)
      opened.set(policy, providers)
      const found = providers[provider]
      if (found !== null) return found.read(name)
      throw new PolicyError('SECRET_OUT_OF_SCOPE', `no provider is set up for ${text}`)
    },
  })
}

/**
 * The providers that a policy sets up, and the variables that its own `notify` names: agents may read none of those
 * unless `secrets` lists them too.
 */
export function noticeSecrets(
  { secrets, notify = [] }: Pick<CompiledPolicy, 'secrets' | 'notify'>,
  around: { readonly folder: string; readonly environment: Environment },
): SecretProviders {
  const env = notify.flatMap(({ webhook = '' }) =>
    webhook.startsWith(VARIABLE) ? [webhook.slice(VARIABLE.length)] : [],
  )
  const { file = null, vault = null } = secrets ?? {}
  return openSecretProviders({ env, file, vault }, around)
}

const VARIABLE = 'secret://env/'

/** The login of the mail server: both variables, or none. */
export function mailCredentials(environment: Environment): MailCredentials | null {
  const { COUNTERSIGN_SMTP_USER: user, COUNTERSIGN_SMTP_PASSWORD: password } = environment
  return user && password ? { user, password } : null
}
