import { spawn } from 'node:child_process'
import { hostEnvironment, temporaryFolder } from './host.ts'

/** A page in a browser of its own, over the DevTools protocol. */
export type BrowserPage = {
  send<T = unknown>(method: string, parameters?: object): Promise<T>
  /** Waits for an event of the page. */
  once(method: string): Promise<unknown>
  /** What happened so far, by the name of its event. */
  readonly events: readonly { readonly method: string; readonly params: unknown }[]
  close(): Promise<void>
}

const FLAGS = [
  ...['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  ...['--no-first-run', '--disable-background-networking', '--disable-component-update'],
  ...['--disable-sync', '--hide-scrollbars', '--remote-debugging-port=0'],
  // Nothing else is there.
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
]
const START_MS_MAX = 60_000

/** Starts Chromium with an empty page. */
export async function openBrowser(): Promise<BrowserPage> {
  const home = temporaryFolder('chromium')
  const browser = spawn('chromium', [...FLAGS, `--user-data-dir=${home}`, 'about:blank'], {
    env: { ...hostEnvironment(), HOME: home },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = new Promise<void>((resolve) => browser.on('exit', () => resolve()))
  let said = ''
  const address = await new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`chromium is silent\n${said}`)), START_MS_MAX)
    browser.on('error', reject)
    browser.on('exit', () => reject(new Error(`chromium ended\n${said}`)))
    browser.stderr.on('data', (part: Buffer) => {
      said += part.toString('utf8')
      const found = /DevTools listening on (ws:\/\/\S+)/.exec(said)?.[1]
      if (found === undefined) return
      clearTimeout(late)
      resolve(found)
    })
  })
  const socket = new WebSocket(address)
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = reject
  })
  const page = await attach(socket)
  return {
    ...page,
    close: async () => {
      socket.close()
      browser.kill()
      await ended
    },
  }
}

type Message = {
  readonly id?: number
  readonly method?: string
  readonly params?: unknown
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

async function attach(socket: WebSocket): Promise<Omit<BrowserPage, 'close'>> {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  const events: { method: string; params: unknown }[] = []
  const listeners = new Map<string, (params: unknown) => void>()
  let id = 0
  let sessionId: string | undefined
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(String(data)) as Message
    if (message.id === undefined) {
      const { method = '', params } = message
      events.push({ method, params })
      listeners.get(method)?.(params)
      return
    }
    const { resolve, reject } = waiting.get(message.id) ?? {}
    if (message.error === undefined) resolve?.(message.result)
    else reject?.(new Error(message.error.message))
  }
  const send = <T>(method: string, params: object = {}): Promise<T> => {
    id += 1
    socket.send(JSON.stringify({ id, method, params, ...(sessionId ? { sessionId } : {}) }))
    return new Promise<T>((resolve, reject) => {
      waiting.set(id, { resolve: resolve as (value: unknown) => void, reject })
    })
  }
  const { targetInfos } = await send<{ targetInfos: { targetId: string; type: string }[] }>(
    'Target.getTargets',
  )
  const targetId = targetInfos.find(({ type }) => type === 'page')?.targetId
  const attached = await send<{ sessionId: string }>('Target.attachToTarget', {
    ...{ targetId, flatten: true },
  })
  sessionId = attached.sessionId
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await send(`${domain}.enable`)
  return {
    ...{ send, events },
    once: (method) => new Promise((resolve) => listeners.set(method, resolve)),
  }
}
