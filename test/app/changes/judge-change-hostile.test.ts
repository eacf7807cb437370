import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { KEYS } from '../../fakes/review-case.ts'
import {
  baseFiles,
  changed,
  type Files,
  keysOf,
  limit,
  rosterOf,
  rules,
  STRANGER,
} from './change-case.ts'

const OWNER = rosterOf({ eve: keysOf(STRANGER) })
const OID = '1'.repeat(40)

describe('what one check-out reads and another does not', () => {
  test.for<{ name: string; files?: Files; entries?: readonly string[]; want: string }>([
    { name: 'a submodule', entries: [`M 160000 ${OID} policies/more`], want: 'FILE_UNREADABLE' },
    {
      name: 'a submodule for the folder',
      files: {
        'policies/agents.yaml': null,
        'policies/rules.yaml': null,
        'policies/routes.yaml': null,
        'policies/roster.yaml': null,
      },
      entries: [`M 160000 ${OID} policies`],
      want: 'FILE_UNREADABLE',
    },
    {
      name: 'a link to a folder',
      files: { 'other/eve.yaml': OWNER },
      entries: ['M 120000 inline policies/more\ndata 8\n../other\n'],
      want: 'FILE_UNREADABLE',
    },
    {
      name: 'a link to a file',
      files: { 'other/eve.yaml': OWNER },
      entries: ['M 120000 inline policies/eve.yaml\ndata 17\n../other/eve.yaml\n'],
      want: 'FILE_UNREADABLE',
    },
    {
      name: 'a folder in capitals',
      files: { 'Policies/eve.yaml': OWNER },
      want: 'FILE_UNREADABLE',
    },
    {
      name: 'an extension in capitals',
      files: { 'policies/eve.YAML': OWNER },
      want: 'FILE_UNREADABLE',
    },
    {
      name: 'the project in capitals',
      files: { 'Countersign.yaml': 'kind: Project\n' },
      want: 'FILE_UNREADABLE',
    },
    {
      name: 'two files of one name',
      files: { 'policies/Rules.yaml': rules('limit: 5', 'limit: 50')['policies/rules.yaml'] ?? '' },
      want: 'FILE_UNREADABLE',
    },
    {
      name: 'two forms of one letter',
      files: {
        'tests/\u00e9.yaml': baseFiles()['tests/notes.yaml'] ?? '',
        'tests/e\u0301.yaml': baseFiles()['tests/notes.yaml'] ?? '',
      },
      want: 'FILE_UNREADABLE',
    },
    {
      name: 'another project below',
      files: { 'policies/countersign.yaml': baseFiles('')['countersign.yaml'] ?? '' },
      want: 'ID_DUPLICATE',
    },
  ])('$name -> $want', async ({ files = {}, entries = [], want }) => {
    const { judge } = await changed(files, { entries })
    const report = await judge()
    expect(report.problems.map(({ code }) => code)).toEqual([want])
    expect(report.verdict).toBe('closed')
  })
})

test.for([
  {
    name: 'a link in the place of a file',
    entries: ['M 120000 inline agents/shop/policies/eve.yaml\ndata 17\n../other/eve.yaml\n'],
    want: { code: 'FILE_UNREADABLE', place: { file: 'agents/shop/policies/eve.yaml', line: 1 } },
  },
  {
    name: 'a policy that does not compile',
    files: { 'agents/shop/policies/rules.yaml': 'apiVersion: countersign/v1\nkind: Nonsense\n' },
    want: { place: { file: 'agents/shop/policies/rules.yaml', line: 2 } },
  },
])('$name in a folder of the repository -> its path from the top', async (row) => {
  const { files = {}, entries = [], want } = row
  const base = Object.entries(baseFiles()).map(([path, text]) => [`agents/shop/${path}`, text])
  const { judge, folder } = await changed(files, { entries }, Object.fromEntries(base))
  const report = await judge({ folder: join(folder, 'agents/shop') })
  expect(report.problems).toMatchObject([want])
})

describe('what the clone says', () => {
  const base = baseFiles('changes: { weaker: security, signed_commits: ssh }\n')

  test('a graft that hides an unsigned commit -> COMMIT_UNSIGNED', async () => {
    const { judge, commit, git, folder } = await changed(limit('limit: 3'), {}, base)
    const head = await commit({ 'README.md': 'Hello\n' }, { signer: KEYS.dee })
    mkdirSync(join(folder, '.git/info'), { recursive: true })
    writeFileSync(join(folder, '.git/info/grafts'), `${head} ${git('rev-parse', 'main')}`)
    expect((await judge()).problems).toMatchObject([{ code: 'COMMIT_UNSIGNED' }])
  })

  test('another commit in its place -> COMMIT_UNSIGNED', async () => {
    const { judge, commit, git } = await changed(limit('limit: 3'), {}, base)
    const head = git('rev-parse', 'change').trim()
    const signed = await commit(limit('limit: 3'), {
      signer: KEYS.dee,
      branch: 'other',
      from: 'refs/heads/main^0',
    })
    git('replace', head, signed)
    expect((await judge()).problems).toMatchObject([{ code: 'COMMIT_UNSIGNED' }])
  })

  test('a file that gives commits other parents -> COMMIT_UNSIGNED', async () => {
    const { judge, commit, git, folder } = await changed(limit('limit: 3'), {}, base)
    const middle = await commit({ 'README.md': 'Hello\n' }, { signer: KEYS.dee })
    const head = await commit({ 'README.md': 'Hello!\n' }, { signer: KEYS.dee })
    git('commit-graph', 'write', '--reachable')
    const path = join(folder, '.git/objects/info/commit-graph')
    const bytes = readFileSync(path)
    const chunk = (name: string) => Number(bytes.readBigUInt64BE(bytes.indexOf(name) + 4))
    const at = (oid: string) =>
      (bytes.indexOf(Buffer.from(oid, 'hex'), chunk('OIDL')) - chunk('OIDL')) / 20
    // After the tree's id stands the first parent's place in the list.
    const row = chunk('CDAT') + at(middle) * 36
    bytes.writeUInt32BE(at(git('rev-parse', 'main').trim()), row + 20)
    rmSync(path)
    writeFileSync(path, bytes)
    expect(git('rev-list', 'main..change', '--').trim()).toBe(`${head}\n${middle}`)
    expect((await judge()).problems).toMatchObject([{ code: 'COMMIT_UNSIGNED' }])
  })

  test.for(['info', 'core.attributesFile', 'core.worktree'])(
    'a program that merges, named by %s -> it does not run, and Git merges',
    async (where) => {
      const { judge, commit, git, folder } = await changed(limit('limit: 50'))
      await commit(
        {
          'policies/rules.yaml': (baseFiles()['policies/rules.yaml'] ?? '').replace(
            'then: deny',
            'then: hold\n    route: default',
          ),
        },
        { branch: 'main' },
      )
      git('config', 'merge.evil.driver', `touch ${join(folder, 'ran')}`)
      mkdirSync(join(folder, '.git/info'), { recursive: true })
      const attributes = join(folder, where === 'info' ? '.git/info/attributes' : '.gitattributes')
      writeFileSync(attributes, '*.yaml merge=evil\n')
      if (where === 'core.worktree') git('config', where, folder)
      else if (where !== 'info') git('config', where, attributes)
      const report = await judge()
      expect(existsSync(join(folder, 'ran'))).toBe(false)
      expect(report.weakenings).toMatchObject([{ message: 'limit: 5 -> 50' }])
    },
  )
})
