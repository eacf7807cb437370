import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const REPOSITORY = join(import.meta.dirname, '../..')

/** The version of OPA that the compiler artefact is built from. */
export function opaVersion(): string {
  const artefact: unknown = JSON.parse(
    readFileSync(join(REPOSITORY, 'src/host/rego-compiler/artefact.json'), 'utf8'),
  )
  const { opa } = artefact as { readonly opa: string }
  return opa
}

/** Folder of OPA's conformance cases, out of the Go module that the Go toolchain keeps in its cache. */
export function opaCases(version: string): string {
  const folder = join(opaModule(version), 'v1/test/cases/testdata/v1')
  if (!existsSync(folder))
    throw new Error(`OPA ${version} has no cases in v1/test/cases/testdata/v1`)
  return folder
}

function opaModule(version: string): string {
  // Outside of any module, so that no go.mod is read or written.
  const folder = mkdtempSync(join(tmpdir(), 'countersign-opa-'))
  try {
    const source = `github.com/open-policy-agent/opa@v${version}`
    const { status, stdout, stderr, error } = spawnSync(
      'go',
      ['mod', 'download', '-json', source],
      {
        cwd: folder,
        encoding: 'utf8',
      },
    )
    if (error !== undefined) throw new Error(`Go is needed: ${error.message}`, { cause: error })
    if (status !== 0) throw new Error(`go mod download ${source} failed: ${stderr}${stdout}`)
    return (JSON.parse(stdout) as { readonly Dir: string }).Dir
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
