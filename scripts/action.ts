/**
 * Builds `action/dist/`, which is committed: the Action as one file, what runs in workers beside it, the Rego compiler's
 * artefact, and the licences of all that is in it. The same sources give the same bytes in every folder. `--check` compares
 * instead of writing.
 */
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, type Metafile, type Plugin } from 'esbuild'

const root = join(import.meta.dirname, '..')
const target = join(root, 'action', 'dist')

/** What is built from where. Workers are named as those who start them expect. */
const ENTRIES = [
  { in: 'action/main.ts', out: 'index', extension: '.mjs' },
  { in: 'src/host/rego-compiler/worker.ts', out: 'worker', extension: '.mjs' },
  { in: 'src/app/engine/judge-worker.ts', out: 'judge-worker', extension: '.js' },
] as const

/** Files that lie beside, as they are. */
const BESIDE = ['artefact.json', 'opa-compiler.wasm.br', 'OPA-LICENSE', 'NOTICE'] as const

/** CommonJS packages ask for Node's modules by `require`. */
const REQUIRE =
  "import { createRequire as createRequireOfBundle } from 'node:module'\n" +
  'const require = createRequireOfBundle(import.meta.url)\n'

type Built = { readonly name: string; readonly bytes: number; readonly sha256: string }

/** Builds all files into a folder. @returns them, sorted by name */
async function buildAction(folder: string): Promise<readonly Built[]> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const packages = new Set<string>()
  for (const entry of ENTRIES) {
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: [{ in: entry.in, out: entry.out }],
      outdir: folder,
      outExtension: { '.js': entry.extension },
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node22',
      charset: 'utf8',
      legalComments: 'none', // They stand in licenses.txt.
      preserveSymlinks: true, // Or a linked node_modules would be named by where it is.
      banner: { js: REQUIRE },
      define: { COUNTERSIGN_VERSION: JSON.stringify(version) },
      plugins: [LATE_BUILTINS],
      metafile: true,
      logLevel: 'warning',
    })
    for (const name of packagesIn(metafile)) packages.add(name)
  }
  for (const name of BESIDE) {
    cpSync(join(root, 'src', 'host', 'rego-compiler', name), join(folder, name))
  }
  // A worker's name ends in .js: Node must take it for a module wherever this folder lies.
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  writeFileSync(join(folder, 'licenses.txt'), licencesOf(packages))
  return readdirSync(folder)
    .sort()
    .map((name) => {
      const content = readFileSync(join(folder, name))
      const sha256 = createHash('sha256').update(content).digest('hex')
      return { name, bytes: content.length, sha256 }
    })
}

const LATE = 'late'

/**
 * An old Node lacks modules that we import, and ends before our first line could say what is wrong. So they are asked for
 * where they are used first.
 */
const LATE_BUILTINS: Plugin = {
  name: 'late-builtins',
  setup: ({ onResolve, onLoad }) => {
    // Asked for by what stands in its place, it is the real one.
    onResolve({ filter: /^node:sqlite$/ }, ({ path, namespace }) =>
      namespace === LATE ? { path, external: true } : { path, namespace: LATE },
    )
    onLoad({ filter: /.*/, namespace: LATE }, ({ path }) => ({
      contents: `module.exports = require('${path}')`,
      loader: 'js',
    }))
  },
}

/** Folders of the packages that a bundle took something from. */
function packagesIn({ inputs }: Metafile): string[] {
  return Object.keys(inputs).flatMap((path) => {
    const found = /^((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]
    return found === undefined ? [] : [found]
  })
}

function licencesOf(folders: ReadonlySet<string>): string {
  const texts = new Map<string, string>()
  for (const folder of folders) {
    const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
    const name = `${manifest.name} ${manifest.version} (${manifest.license ?? 'no licence named'})`
    texts.set(name, licenceIn(join(root, folder)))
  }
  texts.set('Open Policy Agent (Apache-2.0)', 'See OPA-LICENSE and NOTICE.\n')
  const names = [...texts.keys()].sort()
  return names.map((name) => `${name}\n\n${texts.get(name)}`).join(`\n${'-'.repeat(80)}\n`)
}

function licenceIn(folder: string): string {
  const files = readdirSync(folder).filter((name) => /^(?:licen[cs]e|notice)/i.test(name))
  const texts = files.sort().map((name) => readFileSync(join(folder, name), 'utf8').trimEnd())
  // Git keeps texts with line feeds alone, and what is committed must be what is built.
  const text = texts.join('\n\n').replaceAll(/\r\n?/g, '\n')
  return texts.length === 0 ? 'Its package has no text of it.\n' : `${text}\n`
}

/** Names of files that differ between two folders. */
function differences(one: string, other: string): string[] {
  const names = [one, other].flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : []))
  return [...new Set(names)].sort().filter((name) => {
    const [a, b] = [join(one, name), join(other, name)]
    return !existsSync(a) || !existsSync(b) || !readFileSync(a).equals(readFileSync(b))
  })
}

function print(files: readonly Built[]): void {
  for (const { name, bytes, sha256 } of files) {
    console.log(`${sha256}  ${String(bytes).padStart(9)}  ${name}`)
  }
  const sum = files.reduce((total, { bytes }) => total + bytes, 0)
  console.log(`${(sum / 1e6).toFixed(2)} MB in ${files.length} files`)
}

if (process.argv.includes('--check')) {
  const scratch = mkdtempSync(join(tmpdir(), 'countersign-action-'))
  try {
    await buildAction(scratch)
    const stale = differences(scratch, target)
    for (const name of stale) {
      console.error(`action/dist/${name} is out of date: run \`npm run build:action\``)
    }
    process.exitCode = stale.length === 0 ? 0 : 1
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
} else {
  print(await buildAction(target))
}
