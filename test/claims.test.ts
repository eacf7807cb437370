import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

// Pages that name the tests which prove what they say: `test/FILE`, and what a test in it is called, in quotation marks.

const root = resolve(import.meta.dirname, '..')
const PAGES = ['docs/threat-model.md', 'docs/infosec.md']
const CLAIM = /`(test\/[^`]+\.ts)`(?: "([^"]+)")?/g

describe.for(PAGES)('%s', (page) => {
  const text = readFileSync(join(root, page), 'utf8')
  const claims = [...text.matchAll(CLAIM)].map(([, file = '', title]) => ({ file, title }))

  test('names tests that exist', () => {
    expect(claims.length).toBeGreaterThan(10)
    const missing = claims.filter(({ file, title }) => {
      if (!existsSync(join(root, file))) return true
      return title !== undefined && !readFileSync(join(root, file), 'utf8').includes(title)
    })
    expect(missing).toEqual([])
  })

  test('names one in each row of its tables', () => {
    const rows = text
      .split('\n')
      .filter((line) => line.startsWith('| ') && !/^\| (?:-|who |threat |objection )/.test(line))
    const bare = rows.filter((row) => row.split('|').length > 5 && !row.includes('`test/'))
    expect(bare).toEqual([])
  })
})
