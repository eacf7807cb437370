import { expect, test } from 'vitest'
import { scaffold } from '../../../src/app/policy/scaffold.ts'
import { formatYaml } from '../../../src/policy/analyse/format-yaml.ts'
import { parseDocuments } from '../../../src/policy/compile/index.ts'

const FINGERPRINT = `SHA256:${'A'.repeat(43)}`
const reviewers = [{ id: 'ana', fingerprint: FINGERPRINT, roles: ['finance'] }]

test.for(['billing', '123', '1e3', 'null', 'true', 'No', '0x10', 'a.b-c_d', '2026-01-01', '1.5'])(
  'the names %s stay text, and the layout is final',
  (name) => {
    const files = scaffold({
      project: name,
      reviewers: [{ id: name, fingerprint: FINGERPRINT, roles: ['finance', name] }],
    })
    const { documents, diagnostics } = parseDocuments(files)
    expect(diagnostics).toEqual([])
    expect(documents.projects[0]?.value.project).toBe(name)
    expect(documents.people[0]?.value).toMatchObject({ id: name, roles: ['finance', name] })
    for (const [file, text] of files) {
      if (file.endsWith('.yaml')) expect(formatYaml(file, text)).toEqual({ text })
    }
  },
)

test('the forge path is written where one is given, and only then', () => {
  const forge = (forgePath?: string) => {
    const files = scaffold({
      project: 'p',
      reviewers,
      ...(forgePath === undefined ? {} : { forgePath }),
    })
    return parseDocuments(files).documents.projects[0]?.value.forge
  }
  expect(forge()).toBeUndefined()
  expect(forge('../forge.git')).toEqual({ kind: 'local', path: '../forge.git' })
})

test('no placeholder is left, and paths are sorted', () => {
  const files = scaffold({ project: 'p', reviewers })
  expect([...files.values()].join('')).not.toMatch(/\{\{[a-z]+\}\}/)
  expect([...files.keys()]).toEqual([...files.keys()].sort())
})
