/**
 * External programs of the integration suites: every version is pinned here, nowhere else. (What we write in Go
 * ourselves is pinned by the go.mod beside it.)
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Programs that the Go toolchain builds, by the path to install. */
const GO_TOOLS = {
  opa: 'github.com/open-policy-agent/opa@v1.22.0',
  'timestamp-server': 'github.com/sigstore/timestamp-authority/v2/cmd/timestamp-server@v2.1.3',
  // Rekor v2 on a folder of this machine; the program bears the name of its storage.
  posix: 'github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix@v2.3.0',
  fulcio: 'github.com/sigstore/fulcio@v1.8.8',
  cosign: 'github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3',
  // Runs workflows of GitHub Actions on this machine, and finds mistakes in them.
  act: 'github.com/nektos/act@v0.2.89',
  actionlint: 'github.com/rhysd/actionlint/cmd/actionlint@v1.7.12',
} as const

/**
 * Programs that are built in a copy of their module, since `go install` refuses one that replaces others. The copy stays
 * beside the program, which reads its own files from there. `sum` is the module's own, as in a go.sum.
 */
const GO_SOURCES = {
  gitea: {
    module: 'code.gitea.io/gitea@v1.26.0',
    sum: 'h1:fJP9dqLbzKrKWUVnCVTfVersZdVDuyJQLEDzCAOmKKA=',
    tags: 'sqlite sqlite_unlock_notify',
  },
} as const

/** Programs of the system, with the Debian package that brings each. */
const SYSTEM_TOOLS = {
  'ssh-keygen': 'openssh-client',
  git: 'git',
  chromium: 'chromium',
  tmux: 'tmux',
  gpg: 'gnupg',
} as const

/** Programs that come as wheels from PyPI, each in a virtual environment of its own: version, and SHA-256 of the wheels. */
const PYPI_TOOLS = {
  zizmor: {
    version: '1.32.0',
    sha256: [
      '84a6acb975accc13408786a2bd274b572537ca19c933ebbc13e78f3988562071', // Linux, x86-64.
      '0a999c98015becd9f69919ce01febadfb1c2be9b8ec2ce9ef7eb13ff23ba8eba', // macOS, arm64.
    ],
  },
} as const

/** Source archives from PyPI that hold labelled data: version, and SHA-256 of the archive. */
const DATA_ARCHIVES = {
  'presidio-evaluator': {
    version: '0.3.2',
    sha256: '2ec1be3710a2843553a5fb185916d85b0fa174fb9e1927e03ea83152fdc95eb1',
  },
  'python-stdnum': {
    version: '2.2',
    sha256: 'e95fcfa858a703d4a40130cb3eaac133c60d8808a7f3c98efeedac968c2479b9',
  },
} as const

/** Where built tools are kept between runs; outside the tree, so that a fresh clone finds them. */
export function toolFolder(): string {
  return process.env['COUNTERSIGN_TOOLS'] ?? join(homedir(), '.cache', 'countersign-tools')
}

/** Installs what is missing. A tool that cannot be installed is an error: its suite must not be skipped. */
export function installTools(): { readonly folder: string } {
  const folder = toolFolder()
  for (const [name, source] of Object.entries(GO_TOOLS)) {
    const version = source.slice(source.lastIndexOf('@') + 1)
    const bin = join(folder, `${name}-${version}`)
    if (existsSync(join(bin, name))) continue
    mkdirSync(bin, { recursive: true })
    console.error(`installing ${source}`)
    run('go', ['install', source], { GOBIN: bin, GOFLAGS: '-mod=mod' })
  }
  for (const name of Object.keys(GO_SOURCES)) goSource(name as keyof typeof GO_SOURCES)
  for (const name of Object.keys(PYPI_TOOLS)) pypiTool(name as keyof typeof PYPI_TOOLS)
  markdownViewer()
  for (const [name, debianPackage] of Object.entries(SYSTEM_TOOLS)) {
    if (spawnSync('which', [name]).status === 0) continue
    console.error(`installing ${debianPackage}`)
    run('apt-get', ['update', '-q'])
    run('apt-get', ['install', '-y', '-q', '--no-install-recommends', debianPackage])
  }
  return { folder }
}

/**
 * The folder of the packages that show Markdown as GitHub does, in a browser: `scripts/markdown-viewer` has their lock,
 * apart from the project's own. Installed when it is missing; no script of theirs runs.
 */
export function markdownViewer(): string {
  const source = join(import.meta.dirname, 'markdown-viewer')
  const lock = readFileSync(join(source, 'package-lock.json'))
  const hash = createHash('sha256').update(lock).digest('hex').slice(0, 16)
  const folder = join(toolFolder(), `markdown-viewer-${hash}`)
  if (existsSync(folder)) return folder
  console.error('installing the Markdown viewer')
  const draft = `${folder}.draft-${process.pid}`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { recursive: true })
  for (const name of ['package.json', 'package-lock.json']) {
    cpSync(join(source, name), join(draft, name))
  }
  run('npm', ['ci', '--prefix', draft, '--ignore-scripts', '--no-audit', '--no-fund', '--silent'])
  try {
    renameSync(draft, folder)
  } catch (error) {
    // Another run was quicker.
    if (!existsSync(folder)) throw error
    rmSync(draft, { recursive: true, force: true })
  }
  return folder
}

export type DataArchive = keyof typeof DATA_ARCHIVES

/** The folder of an unpacked archive of labelled data, fetched when it is missing; it stays out of the tree. */
export function dataFolder(name: DataArchive): {
  readonly folder: string
  readonly version: string
} {
  const { version, sha256 } = DATA_ARCHIVES[name]
  const stem = `${name.replaceAll('-', '_')}-${version}`
  const parent = join(toolFolder(), 'data')
  const folder = join(parent, stem)
  if (existsSync(folder)) return { folder, version }
  mkdirSync(parent, { recursive: true })
  console.error(`fetching ${name} ${version}`)
  const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--no-binary', ':all:']
  run('python3', [...pip, '--dest', parent, `${name}==${version}`])
  const archive = join(parent, `${stem}.tar.gz`)
  const found = createHash('sha256').update(readFileSync(archive)).digest('hex')
  if (found !== sha256) throw new Error(`${archive} has the SHA-256 ${found}, expected ${sha256}`)
  run('tar', ['xzf', archive, '-C', parent])
  return { folder, version }
}

/**
 * A program that is built in a copy of its module, built when it is missing: Gitea takes some seven minutes of a core.
 *
 * @returns the program, and the folder of its source
 */
export function goSource(name: keyof typeof GO_SOURCES): {
  readonly program: string
  readonly source: string
} {
  const { module, sum, tags } = GO_SOURCES[name]
  const folder = join(toolFolder(), `${name}-${module.slice(module.lastIndexOf('@') + 1)}`)
  const [program, source] = [join(folder, name), join(folder, 'source')]
  if (existsSync(program) && existsSync(source)) return { program, source }
  mkdirSync(folder, { recursive: true })
  console.error(`building ${module}`)
  const { stdout } = spawnSync('go', ['mod', 'download', '-json', module], {
    ...{ cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
    maxBuffer: 1024 * 1024,
  })
  const found = JSON.parse(stdout === '' || stdout === null ? '{}' : stdout)
  if (found.Sum !== sum) throw new Error(`${module} has the sum ${found.Sum}, expected ${sum}`)
  const draft = join(folder, `draft-${process.pid}`)
  rmSync(source, { recursive: true, force: true })
  cpSync(found.Dir, draft, { recursive: true })
  // The module cache is read-only.
  run('chmod', ['-R', 'u+w', draft])
  renameSync(draft, source)
  const build = ['build', '-C', source, '-trimpath', '-buildvcs=false', '-ldflags=-s -w']
  run('nice', ['go', ...build, '-tags', tags, '-o', `${program}.draft`, '.'])
  renameSync(`${program}.draft`, program)
  return { program, source }
}

/** The path of an installed Go tool. */
export function goTool(name: keyof typeof GO_TOOLS): string {
  const source = GO_TOOLS[name]
  return join(toolFolder(), `${name}-${source.slice(source.lastIndexOf('@') + 1)}`, name)
}

/** The path of a program from PyPI, which is installed when it is missing. */
export function pypiTool(name: keyof typeof PYPI_TOOLS): string {
  const { version, sha256 } = PYPI_TOOLS[name]
  const folder = join(toolFolder(), `${name}-${version}`)
  const program = join(folder, 'bin', name)
  const whole = join(folder, 'installed')
  if (existsSync(whole)) return program
  console.error(`installing ${name} ${version}`)
  rmSync(folder, { recursive: true, force: true })
  run('python3', ['-m', 'venv', folder])
  const pinned = join(folder, 'requirements.txt')
  const hashes = sha256.map((digest) => `--hash=sha256:${digest}`)
  writeFileSync(pinned, `${name}==${version} ${hashes.join(' ')}\n`)
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--require-hashes']
  run(join(folder, 'bin', 'python'), [...pip, '--requirement', pinned])
  writeFileSync(whole, '')
  return program
}

function run(command: string, args: readonly string[], env: Record<string, string> = {}): void {
  const { status, error } = spawnSync(command, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  })
  if (status !== 0) {
    throw new Error(`${command} ${args.join(' ')} failed (${error?.message ?? `exit ${status}`})`)
  }
}
