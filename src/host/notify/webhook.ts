import type { NoticeEvent } from '../../model/ports.ts'
import { NoticeFailure, systemCode } from './failure.ts'
import { noticeWords } from './words.ts'

/**
 * The body of a Slack-compatible webhook: blocks, and plain text for what shows no blocks. Words of an agent stand in
 * plain_text, where Slack makes neither mentions nor links of them; in `text`, which is mrkdwn, they are escaped and stand
 * in a code span: Mattermost and Rocket.Chat show only `text`, where `@all` and `[word](address)` would come alive.
 * https://docs.slack.dev/messaging/formatting-message-text/#escaping
 */
export function webhookBody(event: NoticeEvent): object {
  const { title, facts, where } = noticeWords(event)
  const plain = (text: string) => ({ type: 'plain_text', text, emoji: false })
  const link = where === null ? [] : [{ type: 'section', text: mrkdwn(linkOf(where)) }]
  // What shows no blocks may read `text` as Markdown of its own kind; a code span is one everywhere.
  const text = [
    `\`${escapeMrkdwn(title.replaceAll('`', "'"))}\``,
    ...facts.map(([name, value]) => escapeMrkdwn(`${name}: ${value}`)),
  ]
  return {
    text: [...text, ...(where === null ? [] : [linkOf(where)])].join('\n'),
    blocks: [
      { type: 'section', text: plain(title) },
      { type: 'section', fields: facts.map(([name, value]) => plain(`${name}: ${value}`)) },
      ...link,
    ],
  }
}

/**
 * Posts one notice.
 *
 * @param url - the secret address; no error holds any of it
 * @throws {NoticeFailure}
 */
export async function postWebhook(url: string, event: NoticeEvent): Promise<void> {
  if (!isWebhookAddress(url)) {
    const message = 'its address is none, or is not https'
    throw new NoticeFailure(message, { retryable: false })
  }
  let answer: Response
  try {
    answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify(webhookBody(event)),
      redirect: 'manual', // What is told here is for this address alone.
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    })
  } catch (error) {
    throw new NoticeFailure(`it could not be reached (${systemCode(error)})`, { retryable: true })
  }
  await answer.body?.cancel().catch(() => undefined)
  if (answer.ok) return
  const afterMs = waitOf(answer.headers.get('retry-after'))
  throw new NoticeFailure(`it answered ${answer.status}`, {
    retryable: answer.status === 429 || answer.status === 408 || answer.status >= 500,
    ...(afterMs === undefined ? {} : { afterMs }),
  })
}

const ANSWER_MS_MAX = 10_000
const WAIT_MS_MAX = 60_000

function escapeMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function mrkdwn(text: string): object {
  return { type: 'mrkdwn', text, verbatim: true }
}

/** An address of the web as a link, anything else as text. */
function linkOf(where: string): string {
  if (!/^https?:\/\//.test(where) || !URL.canParse(where)) return escapeMrkdwn(where)
  // A bar would end the address and begin its label.
  return `<${escapeMrkdwn(new URL(where).href.replaceAll('|', '%7C'))}>`
}

/** Whether notices may go there: by https, or within this machine. */
export function isWebhookAddress(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
}

/** Names of this machine that no network can take. */
export function isLoopback(host: string): boolean {
  return ['127.0.0.1', 'localhost', '[::1]', '::1'].includes(host)
}

function waitOf(header: string | null): number | undefined {
  if (header === null || !/^[0-9]{1,6}$/.test(header)) return undefined
  return Math.min(Number(header) * 1_000, WAIT_MS_MAX)
}
