import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { goTool } from '../../../scripts/tools.ts'
import { type ActionWorld, ROOT } from './act-world.ts'

/** One step or command that act told of. */
type Told = {
  readonly command?: string
  readonly arg?: string
  readonly kvPairs?: Readonly<Record<string, string>>
  readonly msg?: string
  readonly raw_output?: boolean
  readonly jobResult?: string
}

export type ActRun = {
  readonly status: number | null
  /** Workflow commands that annotate. */
  readonly annotations: readonly {
    readonly level: string
    readonly text: string
    readonly file?: string
    readonly line?: string
    readonly title?: string
  }[]
  /** What the last step of the workflow printed of the outputs. */
  readonly outputs: Readonly<Record<string, string>>
  readonly log: string
}

/** As the how-to shows it, but that a later step prints the outputs. */
const WORKFLOW = `
name: Gate
on: [pull_request, pull_request_review, merge_group]
permissions: { contents: read, pull-requests: write, checks: write }
jobs:
  gate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
        with: { fetch-depth: 0, persist-credentials: false }
      - id: gate
        uses: countersign/gate@v1
        with: { mode: MODE, trace: TRACE }
      - if: always()
        run: |
          echo "verdict=$VERDICT"
          echo "counts=$COUNTS"
        env:
          VERDICT: \${{ steps.gate.outputs.verdict }}
          COUNTS: \${{ steps.gate.outputs.counts }}
`

/** Runs a workflow with the committed bundle under act, on this machine. */
export async function runAct(
  { folder, github, checkOut, job }: ActionWorld,
  about: {
    readonly event: string
    readonly payload: object
    readonly mode: 'policy' | 'approvals'
    readonly trace?: string
    /** What is checked out. */
    readonly head: string
    /** Default: of a job that may write. */
    readonly token?: string
  },
): Promise<ActRun> {
  const at = mkdtempSync(join(folder, 'act-'))
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(at, path)), { recursive: true })
    writeFileSync(join(at, path), text)
  }
  const { mode, trace = '', event, payload, head, token = job.token } = about
  const workflow = WORKFLOW.replace('MODE', mode).replace('TRACE', `'${trace}'`)
  write('gate.yml', workflow)
  write('event.json', JSON.stringify(payload))
  mkdirSync(join(at, 'gate/action'), { recursive: true })
  cpSync(join(ROOT, 'action.yml'), join(at, 'gate/action.yml'))
  cpSync(join(ROOT, 'action/dist'), join(at, 'gate/action/dist'), { recursive: true })
  const options = {
    '-C': checkOut(head), // act copies it where the workflow names actions/checkout.
    '-W': join(at, 'gate.yml'),
    '-e': join(at, 'event.json'),
    '-P': 'ubuntu-latest=-self-hosted',
    '-s': 'GITHUB_TOKEN', // Its value comes from the environment, as no list of processes shows that.
    '--action-cache-path': join(at, 'cache'),
  }
  const environment = {
    GITHUB_API_URL: github.url,
    GITHUB_REPOSITORY: 'acme/approvals',
  }
  const replaced = { 'countersign/gate@v1': 'gate' }
  const args = [
    event,
    ...['--action-offline-mode', '--no-cache-server', '--json'],
    ...Object.entries(options).flat(),
    ...Object.entries(environment).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ...Object.entries(replaced).flatMap(([name, path]) => [
      ...['--local-repository', `${name}=${join(at, path)}`],
    ]),
  ]
  const env = {
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`, // act takes the first `node`.
    HOME: at,
    GITHUB_TOKEN: token,
  }
  const child = spawn(goTool('act'), args, { cwd: at, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text
    })
  }
  const [status] = (await once(child, 'close')) as [number | null]
  return { status, log, ...readLog(log) }
}

function readLog(log: string): Pick<ActRun, 'annotations' | 'outputs'> {
  const told = log.split('\n').flatMap((line) => {
    return line.startsWith('{') ? [JSON.parse(line) as Told] : []
  })
  const annotations = told
    .filter(({ command }) => ['error', 'warning', 'notice'].includes(command ?? ''))
    .map(({ command = '', arg = '', kvPairs = {} }) => ({ level: command, text: arg, ...kvPairs }))
  const printed = told.filter(({ raw_output: raw }) => raw === true).map(({ msg = '' }) => msg)
  const outputs = printed.join('').matchAll(/^(verdict|counts)=(.*)$/gm)
  return {
    annotations,
    outputs: Object.fromEntries([...outputs].map(([, name = '', value = '']) => [name, value])),
  }
}
