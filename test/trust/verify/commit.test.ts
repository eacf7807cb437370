import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { parseCommit } from '../../../src/trust/verify/commit.ts'

const TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904' // Git's empty tree.
const WHO = 'Ana Á <ana@example.com> 1763715600 +0100'
const PLAIN = `tree ${TREE}\nparent ${'a'.repeat(40)}\nauthor ${WHO}\ncommitter ${WHO}\n\nWords\n\nMore\n`
const ARMOUR = '-----BEGIN SSH SIGNATURE-----\nAAAA\n\n-----END SSH SIGNATURE-----'

function signed(text: string, header = 'gpgsig'): string {
  const lines = ARMOUR.split('\n').join('\n ')
  return text.replace('\n\n', `\n${header} ${lines}\n\n`)
}

function idOf(text: string, hash = 'sha1'): string {
  const bytes = Buffer.from(text)
  return createHash(hash).update(`commit ${bytes.length}\0`).update(bytes).digest('hex')
}

const parse = (text: string, hash = 'sha1') => parseCommit(idOf(text, hash), Buffer.from(text))

describe('a commit', () => {
  test('unsigned -> its parts', () => {
    const at = 1763715600000
    expect(parse(PLAIN)).toEqual({
      tree: TREE,
      parents: ['a'.repeat(40)],
      author: { name: 'Ana Á', email: 'ana@example.com', at },
      committer: { name: 'Ana Á', email: 'ana@example.com', at },
      signed: null,
    })
  })

  test.for([
    { hash: 'sha1', header: 'gpgsig' },
    { hash: 'sha256', header: 'gpgsig-sha256' },
  ])('signed in a $hash repository -> the signature, and all but it', ({ hash, header }) => {
    const { signed: found } = parse(signed(PLAIN, header), hash)
    expect(found?.signature).toBe(ARMOUR)
    expect(Buffer.from(found?.payload ?? []).toString()).toBe(PLAIN)
  })

  test('the signature of the other hash -> none, and left out of what is signed', () => {
    expect(parse(signed(PLAIN, 'gpgsig-sha256')).signed).toBeNull()
    const both = signed(signed(PLAIN, 'gpgsig-sha256'))
    expect(Buffer.from(parse(both).signed?.payload ?? []).toString()).toBe(PLAIN)
  })

  test('words that look like a signature -> they are signed like all words', () => {
    const text = signed(PLAIN.replace('More', 'gpgsig -----BEGIN'))
    expect(Buffer.from(parse(text).signed?.payload ?? []).toString()).toContain('gpgsig -----')
  })

  test.for([
    { name: 'two signatures', text: signed(signed(PLAIN)) },
    { name: 'two authors', text: PLAIN.replace('author', `author ${WHO}\nauthor`) },
    { name: 'no committer', text: PLAIN.replace(/committer.*\n/, '') },
    { name: 'a time of the far future', text: PLAIN.replaceAll('1763715600', '999999999999') },
    { name: 'no time', text: PLAIN.replaceAll(' 1763715600 +0100', '') },
    { name: 'no end of the headers', text: `tree ${TREE}\nauthor ${WHO}\ncommitter ${WHO}\n` },
    { name: 'a header without a value', text: PLAIN.replace('parent', 'odd\nparent') },
    { name: 'nothing', text: '' },
  ])('$name -> COMMIT_MALFORMED', ({ text }) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'COMMIT_MALFORMED' }))
  })

  test('bytes that its id is not of -> COMMIT_MALFORMED', () => {
    const bytes = Buffer.from(PLAIN.replace('Words', 'Wards'))
    expect(() => parseCommit(idOf(PLAIN), bytes)).toThrow(
      expect.objectContaining({ code: 'COMMIT_MALFORMED' }),
    )
  })
})
