export type { MailCredentials } from './mail.ts'
export type { QueuedNotifier } from './notifier.ts'
export { openNotifier } from './notifier.ts'
export { isWebhookAddress } from './webhook.ts'
