import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, normalize } from 'node:path'

/** What one path answers: with a type, or nothing, which is 404. */
export type Route = { readonly type: string; readonly body: string }

export type ModuleServer = {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string
  /** The body that the page posts next. */
  posted(): Promise<string>
  close(): Promise<void>
}

/**
 * Serves a package's built modules and its dependencies from loopback to a browser, as they lie on disk, but with bare
 * import specifiers turned into paths: what an import map or a bundler does elsewhere.
 *
 * @param root - a package's folder: with `dist` and `node_modules`
 * @param policy - the Content-Security-Policy of everything
 */
export async function serveModules(
  root: string,
  routes: Readonly<Record<string, Route>>,
  policy: string,
): Promise<ModuleServer> {
  const next = { settle: (_: string): void => undefined }
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    if (request.method === 'POST') {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        response.end()
        next.settle(Buffer.concat(parts).toString('utf8'))
      })
      return
    }
    const route = Object.hasOwn(routes, path) ? routes[path] : moduleOf(root, path)
    response.statusCode = route === undefined ? 404 : 200
    response.setHeader('Content-Security-Policy', policy)
    response.setHeader('Content-Type', route?.type ?? 'text/plain')
    response.end(route?.body ?? '')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    posted: () =>
      new Promise((resolve) => {
        next.settle = resolve
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const SERVED = /^\/(?:dist|node_modules)\/[\w@./-]+\.js$/

function moduleOf(root: string, path: string): Route | undefined {
  if (!SERVED.test(path) || normalize(path) !== path) return undefined
  let text: string
  try {
    text = readFileSync(join(root, path), 'utf8')
  } catch {
    return undefined
  }
  return { type: 'text/javascript', body: withPaths(root, text) }
}

const BARE = /(\b(?:from|import)\s*\(?\s*)(['"])([@a-z][^'"]*)\2/g

function withPaths(root: string, text: string): string {
  return text.replaceAll(BARE, (all, before: string, quote: string, specifier: string) => {
    const path = pathOf(root, specifier)
    return path === undefined ? all : `${before}${quote}${path}${quote}`
  })
}

/** Where a specifier's module is for a browser; undefined where it is none that is installed, such as `node:fs`. */
function pathOf(root: string, specifier: string): string | undefined {
  const parts = specifier.split('/')
  const name = parts.splice(0, specifier.startsWith('@') ? 2 : 1).join('/')
  let manifest: Manifest
  try {
    const file = join(root, 'node_modules', name, 'package.json')
    manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest
  } catch {
    return undefined
  }
  const { exports = manifest.module ?? manifest.main ?? 'index.js' } = manifest
  const found = entryOf(exports, parts.length === 0 ? '.' : `./${parts.join('/')}`)
  return found && join('/node_modules', name, found)
}

type Exports = string | null | { readonly [name: string]: Exports }

type Manifest = { readonly exports?: Exports; readonly module?: string; readonly main?: string }

const CONDITIONS = ['browser', 'import', 'module', 'default']

function entryOf(exports: Exports, path: string): string | undefined {
  if (exports === null) return undefined
  if (typeof exports === 'string') return path === '.' ? exports : undefined
  const key = Object.keys(exports).some((name) => name.startsWith('.')) ? path : null
  if (key !== null) return entryOf(exports[key] ?? null, '.')
  for (const [name, target] of Object.entries(exports)) {
    const found = CONDITIONS.includes(name) ? entryOf(target, path) : undefined
    if (found !== undefined) return found
  }
  return undefined
}
