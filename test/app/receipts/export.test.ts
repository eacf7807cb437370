import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openDecision } from '../../../src/app/engine/record.ts'
import { findReceipt } from '../../../src/app/receipts/receipts.ts'
import { writeBundle } from '../../../src/policy/bundle/index.ts'
import { ALICE, exported, openScene, type Scene, twoDays, verified } from './export-scene.ts'

const SHOW = ['payload.amount', 'payload.currency', 'principal', 'payload.id']

async function filled(): Promise<Scene> {
  const scene = await openScene()
  await twoDays(scene)
  return scene
}

/** One filled scene's exports with fields shown, made once. */
const shown = (() => {
  let made: ReturnType<typeof make> | undefined
  const make = async () => {
    const scene = await filled()
    const read = async (format: 'jsonl' | 'csv' | 'html') =>
      readFileSync(await exported(scene, { format, show: SHOW }), 'utf8')
    const texts = { jsonl: await read('jsonl'), csv: await read('csv'), html: await read('html') }
    return { trust: scene.trust, ...texts }
  }
  return () => {
    made ??= make()
    return made
  }
})()

/** The receipts of an export. */
function linesIn(file: string): {
  index: number
  context?: true
  disclosures?: { pointer: string }[]
  patched?: { pointer: string }[]
}[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(1, -2)
    .map((line) => JSON.parse(line))
}

const indexesIn = (file: string) =>
  linesIn(file).map(({ index, context }) => (context ? -index : index))

describe('every form verifies', () => {
  test.for(['jsonl', 'csv', 'html'] as const)('%s, with fields shown', async (format) => {
    const { [format]: text, ...scene } = await shown()
    const { status, problems, proven, receipts } = await verified(scene, text, format)
    expect(problems).toEqual([])
    expect(status).toBe('verified')
    expect(receipts).toMatchObject({ APPROVED: 2, APPROVED_WITH_MODIFICATIONS: 1, REJECTED: 1 })
    expect(proven.join('\n')).toContain('nothing was left out between receipt 0 and 12')
    expect(proven.join('\n')).toContain('4 review signatures hold')
  })

  test('one form is made of the next: the lines in CSV and HTML are those of JSON Lines', async () => {
    const scene = await filled()
    const [jsonl, html] = [await exported(scene), await exported(scene, { format: 'html' })]
    const base64 = /id="countersign-export">([^<]*)</.exec(readFileSync(html, 'utf8'))?.[1] ?? ''
    expect(Buffer.from(base64, 'base64').equals(readFileSync(jsonl))).toBe(true)
  })
})

describe('what is chosen', () => {
  const second = { from: '2026-11-02T00:00:00.000Z' }
  test.for([
    { name: 'all', change: {}, want: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((i) => i) },
    {
      name: 'the second day, and what shows that it begins there',
      change: { period: second },
      want: [-9, 10, 11, 12],
    },
    {
      name: 'an approval alone, with the hold before the period',
      change: { period: { from: '2026-11-01T09:05:00.000Z', to: '2026-11-01T09:05:30.000Z' } },
      want: [-3, 4, -5],
    },
    {
      name: 'one agent',
      change: { filters: { agent: 'clerk' } },
      want: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
    },
    {
      name: 'one project in a period, with its hold only',
      change: {
        filters: { project: 'shop' },
        period: { from: '2026-11-01T09:05:00.000Z', to: '2026-11-01T09:05:30.000Z' },
      },
      want: [-3, 4],
    },
  ])('$name', async ({ change, want }) => {
    const scene = await filled()
    const file = await exported(scene, change)
    // A context receipt is written as a negative index.
    expect(indexesIn(file)).toEqual(want.map((index) => (Object.is(index, 0) ? 0 : index)))
    expect((await verified(scene, readFileSync(file))).problems).toEqual([])
  })

  test.for([
    {
      name: 'an empty period',
      change: { period: { from: '2027-01-01T00:00:00.000Z' } },
      code: 'EXPORT_EMPTY',
    },
    {
      name: 'an agent that there is not',
      change: { filters: { agent: 'nobody' } },
      code: 'EXPORT_EMPTY',
    },
    { name: 'a folder without a store', change: { data: '/nowhere' }, code: 'STORE_FAILED' },
    {
      name: 'a folder that cannot be written to',
      change: { out: '/proc/nowhere/x' },
      code: 'FILE_UNREADABLE',
    },
  ])('$name -> $code', async ({ change, code }) => {
    await expect(exported(await filled(), change)).rejects.toMatchObject({ code })
  })

  test('a file that exists is kept, but for --force, and nothing else is left behind', async () => {
    const scene = await filled()
    const out = await exported(scene)
    writeFileSync(out, 'mine')
    await expect(exported(scene, { out })).rejects.toMatchObject({ code: 'FILE_EXISTS' })
    expect(readFileSync(out, 'utf8')).toBe('mine')
    await exported(scene, { out, force: true })
    expect(readdirSync(dirname(out))).toEqual(['export.jsonl'])
    expect((await verified(scene, readFileSync(out))).status).toBe('verified')
  })

  test('an export that fails leaves no file', async () => {
    const scene = await filled()
    const receipts = join(scene.folder, 'log/tile/0/000.p/13')
    writeFileSync(receipts, Buffer.alloc(13 * 32))
    const out = join(scene.folder, 'x.jsonl')
    await expect(exported(scene, { out })).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
    expect(readdirSync(scene.folder)).not.toContain('x.jsonl')
  })

  test('policies are named by a folder of bundles', async () => {
    const scene = await filled()
    writeFileSync(join(scene.folder, 'november.bundle'), writeBundle(scene.parts.judge.bundle))
    const file = await exported(scene, { policies: { bundles: scene.folder } })
    const [header = ''] = readFileSync(file, 'utf8').split('\n')
    const { digest } = scene.parts.judge.bundle
    expect(JSON.parse(header)).toMatchObject({ policies: [{ digest, name: 'november' }] })
  })
})

describe('what is shown', () => {
  test('nothing of a payload but what is asked for', async () => {
    const scene = await filled()
    const none = readFileSync(await exported(scene, { format: 'csv' }), 'utf8')
    const some = readFileSync(
      await exported(scene, { format: 'csv', show: ['payload.amount'] }),
      'utf8',
    )
    const all = [none, some].map((text) =>
      text.replaceAll(/[A-Za-z0-9+/=]{60,}/g, (base64) =>
        Buffer.from(base64, 'base64').toString('utf8'),
      ),
    )
    for (const text of all) expect(text).not.toMatch(/4111111111111111|alice|cmd\|x/)
    expect(some).toMatch(/,refunds\/any,[^\n]*,25,/)
    expect(none).toContain('(committed)')
  })

  test('the payload as people left it, and the private principal', async () => {
    const scene = await filled()
    const file = await exported(scene, { show: SHOW })
    const lines = linesIn(file)
    expect(lines[6]?.patched?.map(({ pointer }) => pointer)).toEqual([
      '/payload',
      '/payload/amount',
    ])
    expect(lines[6]?.disclosures?.map(({ pointer }) => pointer)).toContain('/payload/currency')
    const csv = readFileSync(await exported(scene, { format: 'csv', show: SHOW }), 'utf8').split(
      '\r\n',
    )
    expect(csv[7]).toMatch(/,45,,,/)
    expect(csv[3]).toContain(`,${ALICE},shop.mail,`)
    expect(csv[11]).toContain(",'=cmd|x,")
  })

  test('nothing once the inputs are erased, and the export says so', async () => {
    const scene = await filled()
    const { receipt } = await findReceipt(scene.parts.store, '2')
    const { id } = receipt.predicate as { readonly id: string }
    const { stored } = await openDecision(scene.parts.store, id)
    const { DatabaseSync } = await import('node:sqlite')
    const database = new DatabaseSync(join(scene.folder, 'store.sqlite'))
    database.prepare('DELETE FROM subject_keys WHERE subject = ?').run(stored.inputs.subject)
    database.close()
    const file = await exported(scene, { show: SHOW })
    expect(linesIn(file)[2]?.disclosures).toBeUndefined()
    expect(linesIn(file)[3]?.disclosures).toBeDefined()
    expect((await verified(scene, readFileSync(file))).status).toBe('verified')
  })
})

describe('an edited CSV is refused', () => {
  test.for([
    {
      name: 'a decision',
      edit: (t: string) => t.replace(',verdict,deny,', ',verdict,allow,'),
      want: 'column decision',
      line: 11,
    },
    {
      name: 'a time',
      edit: (t: string) => t.replace('T09:00:00.000Z,verdict', 'T09:00:01.000Z,verdict'),
      want: 'column time',
      line: 3,
    },
    {
      name: 'an amount',
      edit: (t: string) => t.replace(',25,', ',26,'),
      want: 'column payload.amount',
      line: 5,
    },
    {
      name: 'a reviewer',
      edit: (t: string) => t.replace('ana: approve', 'bo: approve'),
      want: 'column reviewers',
      line: 6,
    },
    {
      name: 'a guard against formulas',
      edit: (t: string) => t.replace("'=cmd", '=cmd'),
      want: 'column payload.id',
      line: 12,
    },
    {
      name: 'a column name',
      edit: (t: string) => t.replace('decision', 'Decision'),
      want: 'names of the columns',
      line: 1,
    },
    {
      name: 'a row less',
      edit: (t: string) => t.split('\r\n').toSpliced(4, 1).join('\r\n'),
      want: 'receipt 3, which is missing',
      line: 5,
    },
    {
      name: 'a row twice',
      edit: (t: string) =>
        t
          .split('\r\n')
          .flatMap((row, i) => (i === 4 ? [row, row] : [row]))
          .join('\r\n'),
      want: 'receipt 3 once',
      line: 6,
    },
    {
      name: 'a cell more',
      edit: (t: string) => t.replace(',verdict,deny,', ',,verdict,deny,'),
      want: 'a cell for each column',
      line: 11,
    },
    {
      name: 'quotes that are not needed',
      edit: (t: string) => t.replace(',deny,', ',"deny",'),
      want: 'written otherwise',
      line: 11,
    },
    {
      name: 'other line ends',
      edit: (t: string) => t.replaceAll('\r\n', '\n'),
      want: 'CR LF',
      line: 1,
    },
    { name: 'no last line end', edit: (t: string) => t.slice(0, -2), want: 'CR LF', line: 14 },
    { name: 'a byte order mark', edit: (t: string) => `\ufeff${t}`, want: 'CR LF', line: 1 },
    {
      name: 'the end taken away',
      edit: (t: string) => t.replace(/,[A-Za-z0-9+/=]+\r\n$/, ',\r\n'),
      want: 'written otherwise|cut short',
      line: 0,
    },
    {
      name: 'a receipt',
      edit: (t: string) => t.replace(/eyJfdHlwZSI6/g, 'eyJfdHlwZSI7'),
      want: 'PROOF_INVALID',
      line: 2,
    },
  ])('$name', async ({ edit, want, line }) => {
    const { csv: text, ...scene } = await shown()
    const changed = edit(text)
    expect(changed).not.toBe(text)
    const { status, problems } = await verified(scene, changed, 'csv')
    expect(status).toBe('refused')
    expect(`${problems[0]?.code} ${problems[0]?.message}`).toMatch(new RegExp(want))
    // What was not read any more is not said to be missing.
    if (!want.includes('cut short')) {
      expect(problems.map(({ message }) => message).join('\n')).not.toContain('cut short')
    }
    if (line > 0) expect(problems[0]?.file).toMatch(new RegExp(`:${line}$`))
  })
})

describe('an edited report is refused', () => {
  test.for([
    {
      name: 'a cell',
      edit: (t: string) => t.replace('<div>ana <', '<div>bo <'),
      want: 'row of receipt 4',
    },
    {
      name: 'a count',
      edit: (t: string) => t.replace('<b>2</b><span>allow', '<b>9</b><span>allow'),
      want: 'does not show',
    },
    {
      name: 'a bar',
      edit: (t: string) => t.replace(/height="\d+(?=\.?\d*"\/><\/g>)/, 'height="1'),
      want: 'does not show',
    },
    {
      name: 'a script',
      edit: (t: string) => t.replace('</main>', '<script>alert(1)</script></main>'),
      want: 'does not show',
    },
    {
      name: 'the policy of the page',
      edit: (t: string) => t.replace("default-src 'none'", 'default-src *'),
      want: 'does not show',
    },
    { name: 'something at the end', edit: (t: string) => `${t}<p>more</p>`, want: 'does not show' },
    {
      name: 'a second export',
      edit: (t: string) =>
        t.replace(
          '</main>',
          '</main><script type="application/octet-stream" id="countersign-export"></script>',
        ),
      want: 'one export',
    },
    {
      name: 'no export',
      edit: (t: string) => t.replace(/id="countersign-export"/, 'id="x"'),
      want: 'one export',
    },
    {
      name: 'base64 that is none',
      edit: (t: string) => t.replace('id="countersign-export">', 'id="countersign-export">!'),
      want: 'strict base64',
    },
    {
      name: 'the embedded receipts',
      edit: (t: string) => t.replace('id="countersign-export">eyJ', 'id="countersign-export">eyK'),
      want: 'JSON|UTF-8|header',
    },
  ])('$name', async ({ edit, want }) => {
    const { html: text, ...scene } = await shown()
    const changed = edit(text)
    expect(changed).not.toBe(text)
    const { status, problems } = await verified(scene, changed, 'html')
    expect(status).toBe('refused')
    expect(problems[0]?.message).toMatch(new RegExp(want))
  })
})

describe('what no row and no table shows is refused', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const beside = (text: string) => Buffer.from(text, 'base64').toString('utf8')

  /** Changes the last column of a row, which holds the header or the end. */
  const besideRow = (csv: string, row: number, change: (text: string) => string): string =>
    csv
      .split('\r\n')
      .map((line, i) => {
        const at = line.lastIndexOf(',') + 1
        return i === row ? line.slice(0, at) + base64(change(beside(line.slice(at)))) : line
      })
      .join('\r\n')

  test('a receipt that has no row, but stands in the last column of the row before', async () => {
    const { csv, jsonl, ...scene } = await shown()
    const denied = csv.split('\r\n').findIndex((line) => line.includes(',verdict,deny,'))
    const line = jsonl.split('\n')[denied] ?? ''
    expect(line).toContain('"index":9,')
    const hidden = besideRow(csv, denied - 1, (text) => `${text}${line}\n`)
    const changed = hidden.split('\r\n').toSpliced(denied, 1).join('\r\n')
    const { status, problems } = await verified(scene, changed, 'csv')
    expect(status).toBe('refused')
    expect(problems[0]?.message).toContain('a row for each receipt')
  })

  test.for([
    { name: 'beside the header', row: 1, change: (text: string) => `${text}hidden` },
    { name: 'beside a receipt', row: 4, change: () => 'hidden' },
    { name: 'after the end', row: 13, change: (text: string) => `${text}hidden` },
    { name: 'a line after the end', row: 13, change: (text: string) => `${text}hidden\n` },
  ])('text in the last column of a CSV, $name', async ({ row, change }) => {
    const { csv, ...scene } = await shown()
    const { status } = await verified(scene, besideRow(csv, row, change), 'csv')
    expect(status).toBe('refused')
  })

  test('text after the export that is in a page', async () => {
    const { html, ...scene } = await shown()
    const changed = html.replace(
      /(id="countersign-export">)([^<]+)/,
      (_, tag: string, text: string) => tag + base64(`${beside(text)}hidden`),
    )
    expect((await verified(scene, changed, 'html')).status).toBe('refused')
  })
})

describe('JSON Lines', () => {
  test.for([
    {
      name: 'a carriage return',
      edit: (t: string) => t.replace('\n', '\r\n'),
      want: 'end in a line feed',
    },
    { name: 'a byte order mark', edit: (t: string) => `\ufeff${t}`, want: 'end in a line feed' },
    { name: 'no last line feed', edit: (t: string) => t.slice(0, -1), want: 'end in a line feed' },
    {
      name: 'bytes that are no UTF-8',
      edit: (t: string) => Buffer.concat([Buffer.from(t), Buffer.of(0xff)]),
      want: 'UTF-8',
    },
    { name: 'an empty line', edit: (t: string) => `${t}\n`, want: 'nothing after the end' },
    { name: 'nothing', edit: () => '', want: 'header of an export' },
  ])('$name is refused', async ({ edit, want }) => {
    const { jsonl: text, ...scene } = await shown()
    const { status, problems } = await verified(scene, edit(text))
    expect(status).toBe('refused')
    expect(problems.map(({ message }) => message).join('\n')).toContain(want)
  })
})
