import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { WEBHOOK_BYTES_MAX } from '../../../src/base/limits.ts'
import type {
  WebhookListener,
  WebhookListenerOptions,
} from '../../../src/host/webhooks/listener.ts'
import { openWebhookListener } from '../../../src/host/webhooks/listener.ts'

const SECRET = 'a secret of webhooks'
const REQUEST = 'req_00000000000000000001'

const open: WebhookListener[] = []
afterEach(async () => {
  for (const listener of open.splice(0)) await listener.close()
})

async function start(about: Partial<WebhookListenerOptions> = {}) {
  const pulls: number[] = []
  const onPull = (pull: number) => void pulls.push(pull)
  const options = { port: 0, secrets: [SECRET], onPull, now: Date.now, ...about }
  const listener = await openWebhookListener(options)
  open.push(listener)
  return { listener, pulls, url: `http://${listener.host}:${listener.port}/` }
}

function payload(pull = 7, repository = 42, ref = `countersign/${REQUEST}`): string {
  return JSON.stringify({
    pull_request: { number: pull, head: { ref } },
    repository: { id: repository },
  })
}

async function deliver(
  url: string,
  body: string,
  about: { id?: string; secret?: string; event?: string; method?: string } = {},
) {
  const { id = 'delivery-1', secret = SECRET, event = 'pull_request', method = 'POST' } = about
  const signature = createHmac('sha256', secret).update(body).digest('hex')
  const response = await fetch(url, {
    method,
    ...(method === 'GET' ? {} : { body }),
    headers: {
      'content-type': 'application/json',
      'x-github-event': event,
      'x-github-delivery': id,
      'x-hub-signature-256': `sha256=${signature}`,
    },
  })
  const said = (await response.json()) as { status?: string; code?: string }
  await sleep(5)
  return { status: response.status, headers: response.headers, said: said.code ?? said.status }
}

describe('the listener', () => {
  test('hands on the number of the pull request, once a delivery', async () => {
    const { url, pulls } = await start()
    expect(await deliver(url, payload())).toMatchObject({ status: 202, said: 'accepted' })
    expect(await deliver(url, payload())).toMatchObject({ status: 202, said: 'known' })
    expect(await deliver(url, payload(8), { id: 'delivery-2' })).toMatchObject({ status: 202 })
    expect(pulls).toEqual([7, 8])
  })

  test('knows a body again that is sent under another id', async () => {
    const { url, pulls } = await start()
    await deliver(url, payload())
    expect(await deliver(url, payload(), { id: 'x' })).toMatchObject({ said: 'known' })
    expect(pulls).toEqual([7])
  })

  test.for([
    { name: 'of another event', event: 'push', body: payload() },
    { name: 'of another branch', event: 'pull_request', body: payload(7, 42, 'main') },
    { name: 'of another repository', event: 'pull_request', body: payload(7, 43) },
  ])('ignores what is $name', async ({ event, body }) => {
    const { url, pulls } = await start({ repository: '42' })
    expect(await deliver(url, body, { event })).toMatchObject({ status: 202, said: 'ignored' })
    expect(pulls).toEqual([])
    expect(await deliver(url, payload())).toMatchObject({ said: 'accepted' })
  })

  test.for([
    { name: 'another secret', about: { secret: 'x' }, want: [401, 'WEBHOOK_UNVERIFIED'] },
    { name: 'a GET', about: { method: 'GET' }, want: [405, 'WEBHOOK_MALFORMED'] },
    { name: 'a PUT', about: { method: 'PUT' }, want: [405, 'WEBHOOK_MALFORMED'] },
    { name: 'no JSON', body: '{', want: [400, 'WEBHOOK_MALFORMED'] },
    {
      name: 'too much',
      body: ' '.repeat(WEBHOOK_BYTES_MAX + 1),
      want: [413, 'WEBHOOK_TOO_LARGE'],
    },
  ] as const)('answers $name with $want, and hands on nothing', async ({ want, ...row }) => {
    const { url, pulls } = await start()
    const body = 'body' in row ? row.body : payload()
    const got = await deliver(url, body, 'about' in row ? row.about : {})
    expect([got.status, got.said]).toEqual(want)
    expect(got.headers.get('allow')).toBe(want[0] === 405 ? 'POST' : null)
    expect(pulls).toEqual([])
    expect(await deliver(url, payload())).toMatchObject({ said: 'accepted' })
  })

  test('answers before anything is done, and whatever comes of it', async () => {
    const { url } = await start({
      onPull: () => Promise.reject(new Error('the engine is closed')),
    })
    expect(await deliver(url, payload())).toMatchObject({ status: 202 })
    const { url: other } = await start({
      onPull: () => {
        throw new Error('at once')
      },
    })
    expect(await deliver(other, payload())).toMatchObject({ status: 202 })
  })

  test('reads no more than the limit of what says no length', async () => {
    const { listener, pulls } = await start()
    const socket = connect(listener.port, listener.host)
    await once(socket, 'connect')
    socket.on('error', () => undefined)
    const head = `POST / HTTP/1.1\r\nhost: a\r\nx-hub-signature-256: sha256=${'a'.repeat(64)}\r\n`
    socket.write(`${head}transfer-encoding: chunked\r\n\r\n`)
    const part = 'a'.repeat(64 * 1024)
    for (let i = 0; i < 20; i++) socket.write(`10000\r\n${part}\r\n`)
    let said = ''
    for await (const chunk of socket) said += String(chunk)
    expect(said).toMatch(/^HTTP\/1\.1 413 /)
    expect(pulls).toEqual([])
  })

  test.for([
    'POST / HTTP/1.1\r\nhost: a\r\n',
    `POST / HTTP/1.1\r\nhost: a\r\nx-hub-signature-256: sha256=${'a'.repeat(64)}\r\ncontent-length: 9\r\n\r\nabc`,
  ])('gives up on a sender that stops after %o', async (text) => {
    const { listener } = await start({ timeouts: { headersMs: 50, requestMs: 100 } })
    const socket = connect(listener.port, listener.host)
    await once(socket, 'connect')
    socket.write(text)
    let said = ''
    for await (const chunk of socket) said += String(chunk)
    expect(said).toMatch(/^HTTP\/1\.1 408 /)
  })

  test('listens on the loopback alone, and closes', async () => {
    const { listener, url } = await start()
    expect(listener.host).toBe('127.0.0.1')
    await listener.close()
    open.length = 0
    await expect(fetch(url, { method: 'POST' })).rejects.toThrow()
  })

  test.for([{ secrets: [] }, { secrets: [''] }, { secrets: [SECRET, ''] }, { host: '192.0.2.1' }])(
    'with %o -> USAGE_INVALID',
    async (about) => {
      await expect(start(about)).rejects.toMatchObject({ code: 'USAGE_INVALID' })
    },
  )

  test('on a port that is taken -> USAGE_INVALID', async () => {
    const { listener } = await start()
    await expect(start({ port: listener.port })).rejects.toMatchObject({ code: 'USAGE_INVALID' })
  })
})
