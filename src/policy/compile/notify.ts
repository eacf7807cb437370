import { parseSecretReference } from '../../base/secret-reference.ts'
import type { CompiledPolicy, Project } from '../../model/generated/types.ts'
import type { Documents, Entry } from './documents.ts'

import { type Report, suggestion } from './report.ts'
import { sorted } from './sorted.ts'

/** Reports targets of notices that are neither a webhook nor a mail server, or name what is not there. */
export function checkNotify(documents: Documents, report: Report): void {
  const { projects, routes, broken } = documents
  const known = new Set(routes.map(({ value }) => value.id))
  for (const entry of projects) {
    entry.value.notify?.forEach((target, index) => {
      const at = `/notify/${index}`
      if ((target.webhook === undefined) === (target.smtp === undefined)) {
        const message = 'expected exactly one of "webhook" and "smtp"'
        report.error(entry.at(at), 'VALUE_INVALID', message)
      }
      checkWebhook(entry, at, target.webhook, report)
      target.routes?.forEach((route, i) => {
        if (known.has(route) || broken.has('Routes')) return
        const message = `no route ${JSON.stringify(route)}${suggestion(route, known)}`
        report.error(entry.at(`${at}/routes/${i}`), 'REFERENCE_UNKNOWN', message)
      })
    })
  }
}

/** The targets with every default; nothing where the project has none. */
export function compileNotify({ notify }: Project): Pick<CompiledPolicy, 'notify'> {
  if (notify === undefined) return {}
  return {
    notify: notify.map(({ webhook, smtp, on, routes }) => ({
      ...(webhook === undefined ? {} : { webhook }),
      ...(smtp === undefined
        ? {}
        : {
            smtp: {
              host: smtp.host,
              port: smtp.port ?? SUBMISSION_PORT,
              from: smtp.from,
              ca_file: smtp.ca_file ?? null,
            },
          }),
      on: ORDER.filter((kind) => (on ?? ON_DEFAULT).includes(kind)),
      routes: routes === undefined ? null : sorted(routes),
    })),
  }
}

const ORDER = ['held', 'reminded', 'escalated', 'break-glass', 'resolved'] as const
const ON_DEFAULT: readonly string[] = ['held', 'escalated', 'break-glass']
const SUBMISSION_PORT = 587 // RFC 6409.

/** The URL is a secret: whoever knows it may write there. */
function checkWebhook(
  entry: Entry<Project>,
  at: string,
  webhook: string | undefined,
  report: Report,
): void {
  if (webhook === undefined) return
  const reference = parseSecretReference(webhook)
  if (reference === null) {
    const message = 'expected a reference to a secret, such as secret://env/SLACK_WEBHOOK_URL'
    report.error(entry.at(`${at}/webhook`), 'SECRET_REFERENCE_INVALID', message)
    return
  }
  const { provider } = reference
  if (provider === 'env' || entry.value.secrets?.[provider] !== undefined) return
  const message = `no provider "${provider}" is set up below "secrets"; add it, or name a variable with secret://env/`
  report.error(entry.at(`${at}/webhook`), 'REFERENCE_UNKNOWN', message)
}
