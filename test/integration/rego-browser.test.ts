import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadPlan } from '../../src/decide/rego/engine/program.ts'
import type { RegoOutcome } from '../../src/decide/rego/types.ts'
import { type Families, planFamilies } from '../decide/rego/engine/families.ts'
import { compiler } from '../decide/rego/engine/support.ts'
import { freshClone, hostEnvironment, temporaryFolder } from './support/host.ts'
import { serveModules } from './support/module-server.ts'

// The built package, unbundled, in a real browser: under a policy that forbids code generation closures must give the
// outcomes that Node gives; where it is allowed, generated code must.

const STRICT = "default-src 'none'; script-src 'self'; connect-src 'self'"
const ANSWER_MS_MAX = 120_000

type Said = {
  readonly error?: string
  readonly outcomes: readonly (readonly RegoOutcome[])[]
  /** The name of what `new Function` throws, and of what the generated back end does; null for nothing. */
  readonly eval: string | null
  readonly generated: string | null
  /** Names of Node's that the page has. */
  readonly node: readonly string[]
}

let families: Families
let expected: readonly (readonly RegoOutcome[])[]
let clone: string

beforeAll(async () => {
  families = await planFamilies(compiler)
  const { plan, data, entrypoints, inputs } = families
  const program = loadPlan({ plan, data }, { backEnd: 'generated' })
  const outcomes = inputs.map((input) => program.evaluateAll(entrypoints, input))
  expected = JSON.parse(JSON.stringify(outcomes)) as typeof expected
  clone = freshClone()
})

afterAll(() => compiler.close())

test('under a strict policy closures give the outcomes of Node, and generated code cannot run', async () => {
  const said = await inChromium(STRICT)
  expect(said).toEqual({ outcomes: expected, eval: 'EvalError', generated: 'EvalError', node: [] })
})

test("with 'unsafe-eval' generated code gives them, so it was the policy that forbade it", async () => {
  const said = await inChromium(STRICT.replace("'self'", "'self' 'unsafe-eval'"))
  expect(said).toEqual({ outcomes: expected, eval: null, generated: null, node: [] })
})

const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Nothing but this server is there.
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
]

/** Opens the page in a browser of its own and waits for what it posts. */
async function inChromium(policy: string): Promise<Said> {
  const page = readFileSync(join(import.meta.dirname, 'support/rego-page.js'), 'utf8')
  const server = await serveModules(
    clone,
    {
      '/': { type: 'text/html', body: '<script type="module" src="/page.js"></script>' },
      '/page.js': { type: 'text/javascript', body: page },
      '/families': { type: 'application/json', body: JSON.stringify(families) },
    },
    policy,
  )
  const home = temporaryFolder('chromium')
  const browser = spawn('chromium', [...FLAGS, `--user-data-dir=${home}`, server.origin], {
    env: { ...hostEnvironment(), HOME: home },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const complaints: string[] = []
  browser.stderr.on('data', (part: Buffer) => complaints.push(part.toString('utf8')))
  const ended = new Promise<string>((resolve) => {
    browser.on('error', ({ message }) => resolve(message))
    browser.on('exit', (code, signal) => resolve(`it ended with ${code ?? signal}`))
  })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`nothing in ${ANSWER_MS_MAX} ms`), ANSWER_MS_MAX)
  })
  try {
    const problem = Promise.race([ended, late]).then((why) => {
      throw new Error(`chromium did not answer: ${why}\n${complaints.join('')}`)
    })
    const said = JSON.parse(await Promise.race([server.posted(), problem])) as Said
    expect(said.error).toBeUndefined()
    return said
  } finally {
    clearTimeout(timer)
    browser.kill()
    await ended
    await server.close()
  }
}
