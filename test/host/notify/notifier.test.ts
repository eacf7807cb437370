import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { PolicyError } from '../../../src/base/errors.ts'
import { NOTICE_TRIES_MAX, NOTICES_WAITING_MAX } from '../../../src/base/limits.ts'
import { openNotifier } from '../../../src/host/notify/index.ts'
import type {
  CompiledNoticeTarget,
  CompiledPerson,
  Request,
} from '../../../src/model/generated/types.ts'
import type { NoticeEvent } from '../../../src/model/ports.ts'
import { type MailServerFake, startMailServer } from '../../fakes/mail-server.ts'

// Against real servers: node:http takes webhooks, `smtp-server` takes mail with STARTTLS and AUTH.

const SECRET_PATH = '/services/T0/B0/xoxSecretxox'

const request: Request = {
  apiVersion: 'countersign/v1',
  kind: 'Request',
  id: 'req_01234567890123456789012345',
  decision: 'dec_1',
  root: `sha256:${'a'.repeat(64)}`,
  policy: `sha256:${'b'.repeat(64)}`,
  project: 'shop',
  agent: 'clerk',
  role: 'agent',
  service: 'shop',
  action: 'refund',
  priority: 'high',
  routes: [
    {
      id: 'payments',
      quorum: 1,
      reviewers: ['ana', 'bo'],
      signature: 'ssh',
      expires_at: '2026-01-01T01:00:00.000Z',
    },
  ],
  findings: [
    {
      ...{ rule: 'refunds/any', kind: 'pattern', verdict: 'hold', mode: 'enforce' },
      ...{ message: 'finding-words', evidence: {}, file: '', line: 0, column: 0 },
    },
  ],
  obligations: [],
  fields: [{ pointer: '/payload/amount', shown: 'clear', value: 4711 }],
  nonce: '0'.repeat(32),
  created_at: '2026-01-01T00:00:00.000Z',
  expires_at: '2026-01-01T01:00:00.000Z',
}

function event(changes: Partial<NoticeEvent> = {}, asked: Partial<Request> = {}): NoticeEvent {
  return {
    kind: 'held',
    request: { ...request, ...asked },
    where: 'https://github.com/acme/approvals/pull/7',
    people: ['ana', 'bo'],
    ...changes,
  }
}

const person = (id: string, email?: string): CompiledPerson => ({
  ...{ id, name: id, roles: [], keys: [] },
  ...(email === undefined ? {} : { email }),
})

const PEOPLE = [person('ana', 'ana@example.com'), person('bo', 'bo@example.com'), person('cy')]

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

type Hook = { readonly url: string; readonly bodies: { text: string; blocks: unknown[] }[] }

/** A webhook's server; it answers with these statuses in turn, then 200. */
async function startHook(
  answers: readonly (number | { status: number; headers: Record<string, string> })[] = [],
): Promise<Hook> {
  const bodies: Hook['bodies'] = []
  const left = [...answers]
  const server: Server = createServer((incoming, outgoing) => {
    let text = ''
    incoming.setEncoding('utf8')
    incoming.on('data', (chunk) => (text += chunk))
    incoming.on('end', () => {
      const answer = left.shift() ?? 200
      const { status, headers } =
        typeof answer === 'number' ? { status: answer, headers: {} } : answer
      if (status === 200 && incoming.url === SECRET_PATH) bodies.push(JSON.parse(text))
      outgoing.writeHead(status, headers).end('ok')
    })
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  closers.push(
    () =>
      new Promise((closed) => {
        server.closeAllConnections()
        server.close(() => closed())
      }),
  )
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}${SECRET_PATH}`, bodies }
}

async function mailServer(
  options?: Parameters<typeof startMailServer>[0],
): Promise<MailServerFake> {
  const server = await startMailServer(options)
  closers.push(server.close)
  return server
}

function open(
  targets: readonly CompiledNoticeTarget[],
  more: {
    readonly urls?: Readonly<Record<string, string>>
    readonly mail?: { user: string; password: string } | null
  } = {},
) {
  const warned: string[] = []
  const notifier = openNotifier({
    policy: () => ({ notify: [...targets], people: PEOPLE }),
    secret: async ({ text, name }) => {
      const url = more.urls?.[name]
      if (url === undefined) throw new PolicyError('SECRET_MISSING', `${text}: no such variable`)
      return url
    },
    mail: more.mail ?? null,
    warn: (message) => warned.push(message),
    pauseMs: 1,
  })
  return { notifier, warned }
}

const hookTarget = (changes: Partial<CompiledNoticeTarget> = {}): CompiledNoticeTarget => ({
  webhook: 'secret://env/HOOK',
  on: ['held', 'escalated'],
  routes: null,
  ...changes,
})

describe('webhooks', () => {
  test('get text and blocks with the facts of the request, and no word of its payload or findings', async () => {
    const hook = await startHook()
    await open([hookTarget()], { urls: { HOOK: hook.url } }).notifier.notify(event())
    const [body] = hook.bodies
    expect(body?.text.split('\n')).toEqual([
      '`Approval wanted: shop.refund for clerk [high]`',
      'Request: req_01234567890123456789012345',
      'Route: payments',
      'Waits until: 2026-01-01T01:00:00.000Z',
      'For: ana, bo',
      '<https://github.com/acme/approvals/pull/7>',
    ])
    expect(body?.blocks).toHaveLength(3)
    expect(JSON.stringify(body)).not.toMatch(/4711|finding-words|refunds\/any|amount/)
  })

  test.for([
    { name: 'a mention of everybody', action: '<!channel>', want: '&lt;!channel&gt;' },
    {
      name: 'a link',
      action: '<https://evil.example|open>',
      want: '&lt;https://evil.example|open&gt;',
    },
    { name: 'an entity', action: '&lt;!here&gt;', want: '&amp;lt;!here&amp;gt;' },
    { name: 'a second line', action: 'a\nApproved', want: 'a\\u{a}Approved' },
    { name: 'a mark that turns the direction', action: 'a\u202eb', want: 'a\\u{202e}b' },
    {
      name: 'Markdown of others',
      action: '`@all [x](https://evil.example)',
      want: "'@all [x](https://evil.example)",
    },
  ])('$name that an agent wrote stays text', async ({ action, want }) => {
    const hook = await startHook()
    await open([hookTarget()], { urls: { HOOK: hook.url } }).notifier.notify(event({}, { action }))
    const [body] = hook.bodies
    expect(body?.text.split('\n')[0]).toBe(`\`Approval wanted: shop.${want} for clerk [high]\``)
    for (const block of body?.blocks.slice(0, 2) ?? []) {
      expect(JSON.stringify(block)).not.toContain('mrkdwn')
    }
  })

  test('a long list of people fits into what Slack takes', async () => {
    const hook = await startHook()
    const people = Array.from({ length: 200 }, (_, i) => `person-${i}`)
    await open([hookTarget()], { urls: { HOOK: hook.url } }).notifier.notify(event({ people }))
    const [, second] = hook.bodies[0]?.blocks ?? []
    const { fields } = second as { fields: { text: string }[] }
    expect(Math.max(...fields.map(({ text }) => text.length))).toBeLessThanOrEqual(2_000)
    expect(fields.at(-1)?.text).toMatch(/^For: person-0, .* more characters\)$/)
  })

  test('a place that is no address of the web is text', async () => {
    const hook = await startHook()
    const { notifier } = open([hookTarget()], { urls: { HOOK: hook.url } })
    await notifier.notify(event({ where: '/srv/forge.git refs/pull/7/<b>' }))
    expect(hook.bodies[0]?.text).toContain('\n/srv/forge.git refs/pull/7/&lt;b&gt;')
  })

  test.for([
    { name: 'server errors', answers: [500, 503], sent: 1 },
    {
      name: 'too many requests',
      answers: [{ status: 429, headers: { 'retry-after': '0' } }],
      sent: 1,
    },
    { name: 'a refusal', answers: [404, 200], sent: 0 },
    { name: 'a redirect', answers: [{ status: 302, headers: { location: '/' } }], sent: 0 },
    { name: 'errors without end', answers: Array(NOTICE_TRIES_MAX).fill(500), sent: 0 },
  ])('after $name a notice is sent $sent times', async ({ answers, sent }) => {
    const hook = await startHook(answers)
    const { notifier, warned } = open([hookTarget()], { urls: { HOOK: hook.url } })
    await notifier.notify(event())
    expect(hook.bodies).toHaveLength(sent)
    expect(notifier.dropped()).toBe(1 - sent)
    expect(warned).toHaveLength(1 - sent)
    expect(warned.join()).not.toMatch(/xoxSecret|127\.0\.0\.1|services/)
  })

  test.for([
    {
      name: 'a server that is away',
      url: `http://127.0.0.1:39871${SECRET_PATH}`,
      why: 'ECONNREFUSED',
    },
    {
      name: 'an address without TLS',
      url: `http://127.0.0.2:1${SECRET_PATH}`,
      why: 'is not https',
    },
    { name: 'no address', url: `hooks${SECRET_PATH}`, why: 'is not https' },
    { name: 'no secret', url: undefined, why: 'SECRET_MISSING' },
  ])('$name is said without the address', async ({ url, why }) => {
    const { notifier, warned } = open(
      [hookTarget()],
      url === undefined ? {} : { urls: { HOOK: url } },
    )
    await notifier.notify(event())
    expect(warned).toEqual([expect.stringContaining(why)])
    expect(warned[0]).toContain('secret://env/HOOK')
    expect(warned[0]).not.toMatch(/xoxSecret|services|127\./)
  })
})

describe('who is told', () => {
  test.for([
    { name: 'a kind that is asked for', target: {}, kind: 'held', told: 1 },
    { name: 'a kind that is not', target: {}, kind: 'resolved', told: 0 },
    { name: 'one of its routes', target: { routes: ['board', 'payments'] }, kind: 'held', told: 1 },
    { name: 'none of its routes', target: { routes: ['board'] }, kind: 'held', told: 0 },
    {
      name: 'break-glass on no route of its own',
      target: { routes: ['board'] },
      kind: 'break-glass',
      told: 1,
    },
  ] as const)('$name: $told', async ({ target, kind, told }) => {
    const hook = await startHook()
    const routes = 'routes' in target ? [...target.routes] : null
    const { notifier } = open([hookTarget({ routes })], { urls: { HOOK: hook.url } })
    await notifier.notify(event({ kind }))
    expect(hook.bodies).toHaveLength(told)
  })

  test('a target in trouble keeps no other one waiting', async () => {
    const [slow, quick] = [
      await startHook(Array(4).fill({ status: 503, headers: { 'retry-after': '1' } })),
      await startHook(),
    ]
    const { notifier } = open([hookTarget(), hookTarget({ webhook: 'secret://env/QUICK' })], {
      urls: { HOOK: slow.url, QUICK: quick.url },
    })
    void notifier.notify(event())
    await expect.poll(() => quick.bodies.length).toBe(1)
    expect(slow.bodies).toHaveLength(0)
  })

  test('what is too much for a queue is dropped and counted', async () => {
    const hook = await startHook(Array(9).fill({ status: 503, headers: { 'retry-after': '9' } }))
    const { notifier, warned } = open([hookTarget()], { urls: { HOOK: hook.url } })
    for (let i = 0; i < NOTICES_WAITING_MAX + 3; i++) void notifier.notify(event())
    await expect.poll(() => notifier.dropped()).toBe(3)
    expect(warned.at(-1)).toContain('(3 dropped so far)')
  })

  test('idle waits for what is under way, and not for ever', async () => {
    const hook = await startHook([500])
    const { notifier } = open([hookTarget()], { urls: { HOOK: hook.url } })
    void notifier.notify(event())
    await notifier.idle(5_000)
    expect(hook.bodies).toHaveLength(1)
    const stuck = open([hookTarget()], {
      urls: { HOOK: (await startHook([{ status: 503, headers: { 'retry-after': '9' } }])).url },
    })
    void stuck.notifier.notify(event())
    await stuck.notifier.idle(20)
  })
})

const mailTarget = (
  server: MailServerFake,
  smtp: Partial<NonNullable<CompiledNoticeTarget['smtp']>> = {},
): CompiledNoticeTarget => ({
  smtp: {
    host: '127.0.0.2',
    port: server.port,
    from: 'bot@example.com',
    ca_file: server.caFile,
    ...smtp,
  },
  on: ['held', 'resolved'],
  routes: null,
})

const LOGIN = { user: 'bot', password: 'right' }

describe('mail', () => {
  test('goes to each person alone, over TLS, logged in', async () => {
    const server = await mailServer()
    const { notifier, warned } = open([mailTarget(server)], { mail: LOGIN })
    await notifier.notify(event({ people: ['ana', 'bo', 'cy'] }))
    expect(warned).toEqual([])
    expect(server.mails.map(({ to, secure, user }) => ({ to, secure, user }))).toEqual([
      { to: 'ana@example.com', secure: true, user: 'bot' },
      { to: 'bo@example.com', secure: true, user: 'bot' },
    ])
    expect(server.mails[0]?.headers).toEqual(
      expect.arrayContaining([
        'From: bot@example.com',
        'To: ana@example.com',
        'Subject: Approval wanted: shop.refund for clerk [high]',
        'Auto-Submitted: auto-generated',
      ]),
    )
    expect(server.mails[0]?.body).toContain('Review: https://github.com/acme/approvals/pull/7')
    expect(server.mails[0]?.body).not.toMatch(/4711|finding-words/)
  })

  test.for([
    { name: 'a header', action: 'x\r\nBcc: eve@example.com' },
    { name: 'a body', action: 'x\r\n\r\nhello' },
    { name: 'a lone line feed', action: 'x\nBcc: eve@example.com' },
  ])('$name that an agent puts into its action stays in the subject', async ({ action }) => {
    const server = await mailServer()
    await open([mailTarget(server)]).notifier.notify(event({ people: ['ana'] }, { action }))
    const [mail] = server.mails
    expect(mail?.headers.filter((line) => /^bcc:/i.test(line))).toEqual([])
    expect(mail?.to).toBe('ana@example.com')
    expect(mail?.headers.filter((line) => /^subject:/i.test(line))).toHaveLength(1)
    expect(mail?.body.startsWith('Approval wanted')).toBe(true)
  })

  test('break-glass goes to everybody who has an address', async () => {
    const server = await mailServer()
    await open([mailTarget(server)]).notifier.notify(event({ kind: 'break-glass', people: [] }))
    expect(server.mails.map(({ to }) => to)).toEqual(['ana@example.com', 'bo@example.com'])
  })

  test('a server on the loopback address needs no TLS', async () => {
    const server = await mailServer({ disabledCommands: ['STARTTLS', 'AUTH'] })
    await open([mailTarget(server, { host: '127.0.0.1', ca_file: null })]).notifier.notify(event())
    expect(server.mails.map(({ secure }) => secure)).toEqual([false, false])
  })

  test.for([
    {
      name: 'no TLS offered',
      options: { disabledCommands: ['STARTTLS'] as string[] },
      smtp: {},
      why: 'no TLS',
    },
    { name: 'a certificate of nobody known', options: {}, smtp: { ca_file: null }, why: '' },
    {
      name: 'no file of certificates',
      options: {},
      smtp: { ca_file: '/nothing/ca.pem' },
      why: 'ca_file',
    },
    {
      name: 'a wrong password',
      options: {},
      smtp: {},
      mail: { ...LOGIN, password: 'wr0ngpass' },
      why: '535',
    },
  ])('$name: nothing is sent, and nothing secret is said', async ({ options, smtp, mail, why }) => {
    const server = await mailServer(options)
    const { notifier, warned } = open([mailTarget(server, smtp)], { mail: mail ?? null })
    await notifier.notify(event({ people: ['ana'] }))
    expect(server.mails).toEqual([])
    expect(warned).toEqual([expect.stringContaining(why)])
    expect(warned.join()).not.toMatch(/wr0ngpass|ana@example/)
  })

  test('an address that the server refuses keeps nobody else from being told', async () => {
    const server = await mailServer({
      onRcptTo: ({ address }, _session, done) => {
        if (address !== 'ana@example.com') return done()
        done(Object.assign(new Error('no such mailbox ana@example.com'), { responseCode: 550 }))
      },
    })
    const { notifier, warned } = open([mailTarget(server)])
    await notifier.notify(event())
    expect(server.mails.map(({ to }) => to)).toEqual(['bo@example.com'])
    expect(warned).toEqual([expect.stringContaining('it answered 550')])
  })

  test('a server that is busy is asked again, and nobody is told twice', async () => {
    let refusals = 1
    const server = await mailServer({
      onRcptTo: ({ address }, _session, done) => {
        if (address === 'bo@example.com' && refusals-- > 0) {
          return done(Object.assign(new Error('busy'), { responseCode: 451 }))
        }
        done()
      },
    })
    const { notifier } = open([mailTarget(server)])
    await notifier.notify(event())
    expect(server.mails.map(({ to }) => to)).toEqual(['ana@example.com', 'bo@example.com'])
    expect(notifier.dropped()).toBe(0)
  })
})
