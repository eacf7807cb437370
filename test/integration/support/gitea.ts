import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { goSource } from '../../../scripts/tools.ts'

/** An account of the server, with a token that may do whatever its account may. */
export type GiteaUser = { readonly id: number; readonly login: string; readonly token: string }

/** A real Gitea on the loopback address, on a folder of its own. */
export type GiteaServer = {
  /** `http://127.0.0.1:PORT/api/v1`. */
  readonly url: string
  /** The folder of the bare repositories. */
  readonly repositories: string
  readonly admin: GiteaUser
  /** Makes an account. @param kind - default: a person's */
  user(login: string, kind?: 'individual' | 'bot'): Promise<GiteaUser>
  /** A token of limited scopes. */
  token(login: string, scopes: string): Promise<string>
  /** Asks the API. Throws unless it is done. */
  ask(user: GiteaUser, route: string, body?: object): Promise<unknown>
  /** Takes the server down, and up again on the same port. */
  stop(): Promise<void>
  start(): Promise<void>
  /** For good: nothing is left. */
  close(): Promise<void>
}

/** Starts a server; builds Gitea when it is not there. */
export async function startGitea(): Promise<GiteaServer> {
  const { program, source } = goSource('gitea')
  const folder = mkdtempSync(join(tmpdir(), 'countersign-gitea-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/api/v1`
  const config = join(folder, 'app.ini')
  mkdirSync(join(folder, 'data'))
  writeFileSync(config, settings({ folder, port, source }))
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    GITEA_WORK_DIR: folder,
    // The suites may run in a container, as its only user.
    GITEA_I_AM_BEING_UNSAFE_RUNNING_AS_ROOT: 'true',
    // Each push runs hooks, processes so short that collecting garbage would be a third of their time.
    GOGC: 'off',
    GOMEMLIMIT: '512MiB',
  }
  const run = async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(program, ['-c', config, ...args], { env })
    return stdout
  }
  let server: ChildProcess | null = null
  const start = async (): Promise<void> => {
    const web = [...['-c', config], 'web']
    server = spawn(program, web, { env, stdio: ['ignore', 'ignore', 'inherit'] })
    const started = server
    process.once('exit', () => started.kill('SIGKILL'))
    for (let tries = 0; tries < 600; tries++) {
      const up = await fetch(`${url}/version`).then(
        (answer) => answer.ok,
        () => false,
      )
      if (up) return
      if (server.exitCode !== null) break
      await sleep(50)
    }
    throw new Error('Gitea does not start')
  }
  const stop = async (): Promise<void> => {
    const running = server
    server = null
    if (running === null || running.exitCode !== null) return
    const ended = once(running, 'exit')
    running.kill('SIGTERM')
    const late = setTimeout(() => running.kill('SIGKILL'), 5000)
    await ended
    clearTimeout(late)
  }
  let tokens = 0
  const token = async (login: string, scopes: string): Promise<string> => {
    tokens += 1
    const name = ['--username', login, '--token-name', `t${tokens}`]
    const about = [...name, '--scopes', scopes, '--raw']
    const said = await run('admin', 'user', 'generate-access-token', ...about)
    // A busy server may log a line beside it.
    const [found] = /\b[0-9a-f]{40}\b/.exec(said) ?? []
    if (found === undefined) throw new Error(`Gitea gave no token: ${said}`)
    return found
  }
  const make = async (login: string, ...more: string[]): Promise<GiteaUser> => {
    const about = ['--username', login, '--email', `${login}@example.test`]
    await run('admin', 'user', 'create', ...about, ...more)
    // A bot is made with a password to change, although it has none.
    if (more.includes('bot')) await run('admin', 'user', 'must-change-password', '--unset', login)
    const secret = await token(login, 'all')
    const { id } = (await askGitea(url, secret, 'GET /user')) as { id: number }
    return { id, login, token: secret }
  }
  const password = ['--random-password', '--must-change-password=false']
  await run('migrate')
  await start()
  const admin = await make('root-admin', '--admin', ...password)
  return {
    url,
    repositories: join(folder, 'repositories'),
    admin,
    user: (login, kind = 'individual') =>
      make(login, ...(kind === 'bot' ? ['--user-type', 'bot'] : password)),
    token,
    ask: (user, route, body) => askGitea(url, user.token, route, body),
    stop,
    start,
    close: async () => {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function askGitea(
  url: string,
  token: string,
  route: string,
  body?: object,
): Promise<unknown> {
  const [method = '', path = ''] = route.split(' ')
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `token ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${route}: ${answer.status} ${text}`)
  return text === '' ? null : JSON.parse(text)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

function settings(about: { folder: string; port: number; source: string }): string {
  const { folder, port, source } = about
  return `RUN_MODE = prod
RUN_USER = ${userInfo().username}
WORK_PATH = ${folder}
[server]
PROTOCOL = http
HTTP_ADDR = 127.0.0.1
HTTP_PORT = ${port}
ROOT_URL = http://127.0.0.1:${port}/
STATIC_ROOT_PATH = ${source}
OFFLINE_MODE = true
DISABLE_SSH = true
LFS_START_SERVER = false
[database]
DB_TYPE = sqlite3
PATH = ${folder}/data/gitea.db
SQLITE_JOURNAL_MODE = WAL
SQLITE_TIMEOUT = 30000
[repository]
ROOT = ${folder}/repositories
[security]
INSTALL_LOCK = true
SECRET_KEY = of-a-test
INTERNAL_TOKEN = eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJuYmYiOjE3MDAwMDAwMDB9.2Vm0q5bZq5yX5iQ0Qd0Yp1oGkR9m7sN3c8x4u6t2v1w
PASSWORD_HASH_ALGO = pbkdf2$1$50
[service]
DISABLE_REGISTRATION = true
[cron]
ENABLED = false
[cron.update_checker]
ENABLED = false
[actions]
ENABLED = false
[packages]
ENABLED = false
[indexer]
ISSUE_INDEXER_TYPE = db
[git.config]
core.fsync = none
[api]
MAX_RESPONSE_ITEMS = 20
[log]
MODE = console
LEVEL = Critical
`
}
