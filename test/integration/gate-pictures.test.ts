import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GATE_POLICY_MARKER, gateComment, gateSummary } from '../../src/report/gate-markdown.ts'
import { limit } from '../app/changes/change-case.ts'
import { filesOf, git, manifest, write } from '../app/gate/release-case.ts'
import { gateCase } from '../report/gate-case.ts'
import type { ActionWorld, Proposed } from './support/act-world.ts'
import { openActionWorld, pullEvent, ROOT, runBundle } from './support/act-world.ts'
import { type BrowserPage, openBrowser } from './support/chromium.ts'
import { openViewer, type Size, type Viewer } from './support/github-page.ts'
import { temporaryFolder } from './support/host.ts'
import { flawsOf, LOOK, type Look } from './support/page-look.ts'
import { readPng, smallPng, withoutRun } from './support/pictures.ts'

// What the committed bundle writes, as a person sees it on GitHub. The pictures of the documentation are made here:
// UPDATE_PICTURES=1 writes them, and the texts that they show.

const IMAGES = join(ROOT, 'docs/images')
const PICTURE_BYTES_MAX = 150_000
const SCALE = 1.5

let world: ActionWorld
let browser: BrowserPage
let viewer: Viewer
beforeAll(async () => {
  world = await openActionWorld()
  browser = await openBrowser()
  viewer = await openViewer(browser)
})
afterAll(async () => {
  await browser.close()
  await world.close()
})

const SIZES = [
  { name: 'a desktop', width: 1280, height: 900, mobile: false, scheme: 'light' },
  { name: 'a desktop in the dark', width: 1280, height: 900, mobile: false, scheme: 'dark' },
  { name: 'a phone', width: 390, height: 844, mobile: true, scheme: 'light' },
] as const satisfies readonly (Size & { readonly name: string })[]

type Kind = 'comment' | 'summary'

/** Shows Markdown, and finds what is wrong with the page or was asked for outside of this machine. */
async function look(markdown: string, kind: Kind, size: Size) {
  const before = browser.events.length
  await viewer.show(markdown, kind, size)
  await viewer.ask(`for (const one of document.querySelectorAll('details')) one.open = true`)
  const seen = await viewer.ask<Look>(LOOK)
  const events = browser.events.slice(before)
  const asked = events
    .filter(({ method }) => method === 'Network.requestWillBeSent')
    .map(({ params }) => (params as { request: { url: string } }).request.url)
    .filter((url) => !/^(?:file|data):/.test(url))
  const said = events.filter(({ method }) =>
    ['Log.entryAdded', 'Runtime.consoleAPICalled', 'Runtime.exceptionThrown'].includes(method),
  )
  const flaws = [
    ...flawsOf(seen, markdown),
    ...asked.map((url) => `asked for ${url}`),
    ...said.map(({ params }) => `said ${JSON.stringify(params)}`),
  ]
  return { seen, flaws }
}

/** Rows of the table whose first row is this. */
function rowsOf({ tables }: Look, head: readonly string[]): readonly (readonly string[])[] {
  const found = tables.find(([first = []]) => first.join('|') === head.join('|'))
  return found?.slice(1) ?? []
}

const runPolicy = async (pull: Proposed, event = 'pull_request') => {
  const payload = pullEvent(pull)
  const inputs = { trace: 'traces/*.jsonl' }
  const ran = await runBundle(world, {
    ...{ workspace: world.checkOut(pull.head), event, payload, inputs },
  })
  const [comment, ...others] = world.github.pull(pull.number).comments
  expect(others).toEqual([])
  return { ...ran, comment: comment?.body ?? '' }
}

/** A release that misses one of its thresholds. */
async function runRelease() {
  const workspace = temporaryFolder('release')
  const at = new Date(Date.now() - 3_600_000).toISOString()
  const files = Object.entries(filesOf(manifest())).map(([path, text]) => {
    const made = (text ?? '').replaceAll(/"at":"[^"]*"/g, `"at":"${at}"`)
    return [path, made.replace('"passed":12,"failed":0', '"passed":11,"failed":1')] as const
  })
  write(workspace, Object.fromEntries(files))
  git(workspace, 'init', '-q', '-b', 'main', '--template=')
  git(workspace, 'add', '.')
  git(workspace, 'commit', '-q', '-m', 'Start')
  const inputs = { mode: 'release', release: 'clerk-2', artefacts: 'clerk.tar' }
  return runBundle(world, { workspace, event: 'push', payload: {}, inputs })
}

/** What is shown in the documentation, by the picture's name. */
const texts = new Map<string, { readonly kind: Kind; readonly markdown: string }>()

describe('a weakened rule', () => {
  let pull: Proposed

  test('that waits -> comment and summary', async () => {
    pull = await world.propose(limit('limit: 50'))
    const ran = await runPolicy(pull)
    expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'hold' } })
    expect(ran.comment.startsWith(GATE_POLICY_MARKER)).toBe(true)
    texts.set('gate-comment', { kind: 'comment', markdown: ran.comment })
    texts.set('gate-summary', { kind: 'summary', markdown: ran.summary })
  })

  test('after the signed review -> the comment, updated', async () => {
    await world.approve(pull, 'cy')
    const ran = await runPolicy(pull, 'pull_request_review')
    expect(ran, ran.stdout).toMatchObject({ status: 0, outputs: { verdict: 'allow' } })
    texts.set('gate-allowed', { kind: 'comment', markdown: ran.comment })
    texts.set('summary of what is allowed', { kind: 'summary', markdown: ran.summary })
  })
})

test('a release that misses a threshold -> its summary', async () => {
  const ran = await runRelease()
  expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'deny' } })
  texts.set('gate-release', { kind: 'summary', markdown: ran.summary })
})

describe.each([
  { name: 'gate-comment', verdict: '⏳ Countersign: hold', diagrams: 0 },
  { name: 'gate-summary', verdict: '⏳ Countersign: hold', diagrams: 2 },
  { name: 'gate-allowed', verdict: '✅ Countersign: allow', diagrams: 0 },
  { name: 'summary of what is allowed', verdict: '✅ Countersign: allow', diagrams: 2 },
  { name: 'gate-release', verdict: '❌ May not ship: clerk-2', diagrams: 0 },
])('$name', ({ name, verdict, diagrams }) => {
  test.for(SIZES)('on $name -> it fits, is whole, and asks for nothing', async (size) => {
    const { kind = 'comment', markdown = '' } = texts.get(name) ?? {}
    const { seen, flaws } = await look(markdown, kind, size)
    expect(flaws).toEqual([])
    expect(seen.headings[0]).toBe(verdict)
    expect(seen.diagrams).toHaveLength(diagrams)
    expect(seen.text).not.toContain('/tmp/')
    if (name === 'gate-release') return
    expect(rowsOf(seen, ['', 'what', 'how', 'where'])).toEqual([
      [`🔴\u00a0weakened`, 'rule notes/too-many', '🔴 limit: 5 -> 50', 'policies/rules.yaml:8'],
    ])
    const [[, flips = ''] = []] = rowsOf(seen, ['', 'rule and examples'])
    expect(flips.split('\n')).toHaveLength(4)
    expect(flips).toContain('traces/notes.jsonl:1 session one step 6 notes.write by helper')
  })
})

test('the diagrams say what was judged, and who guards it', async () => {
  const { markdown = '' } = texts.get('gate-summary') ?? {}
  const { seen } = await look(markdown, 'summary', SIZES[0])
  const [verdict, guards] = seen.diagrams.map(({ labels }) => labels.join(' | '))
  for (const label of ['policy of origin/main', '1 change, 1 may weaken', '3 flip', 'hold']) {
    expect(verdict).toContain(label)
  }
  expect(guards).toContain('route security\n1 of bo, cy')
  expect(guards).toContain('rule notes/too-many')
})

test('a release -> each property has its row, and nothing is said to be left out', async () => {
  const { markdown = '' } = texts.get('gate-release') ?? {}
  const { seen } = await look(markdown, 'summary', SIZES[0])
  const rows = rowsOf(seen, ['', 'property', 'found', 'file'])
  expect(rows).toHaveLength(11)
  expect(rows.find(([, id]) => id === 'eval/refunds')?.slice(0, 3)).toEqual([
    ...['❌', 'eval/refunds', 'RELEASE_MISSED 11/12 passed, of at least 12'],
  ])
  expect(seen.text).not.toContain('left out')
})

const HOSTILE = [
  '<img src=x onerror=window.ran=1>',
  '</code></td></table><h1>approved</h1>',
  '@team and @acme/security, #12, https://evil.test',
  '[x](http://evil.test) ![y](http://evil.test/y.png)',
  'a | b |\n| --- | --- |',
  '`code` ``` ~~~',
  '"] --> evil["x"]:::bad',
  ']:::good',
  'end',
  '1. **bold** _x_ <details>',
  '%%{init: {"theme": "dark"}}%%',
  'click a "http://evil.test"',
  '\u202etxt.exe\u2066 \u200b',
  '&lt;b&gt; &#64;acme #35; #quot;',
  '<!-- countersign:gate:policy -->',
  'x'.repeat(200),
] as const

describe('words of others', () => {
  test.for(HOSTILE)('%s in every place -> text, in whole tables and diagrams', async (word) => {
    for (const verdict of ['hold', 'deny'] as const) {
      const gate = gateCase(verdict, () => word)
      const [, dark, phone] = SIZES
      for (const [kind, markdown, size] of [
        ['comment', gateComment(gate), phone],
        ['summary', gateSummary(gate), dark],
      ] as const) {
        const { seen, flaws } = await look(markdown, kind, size)
        expect(flaws).toEqual([])
        expect(seen.headings[0]).toContain(`Countersign: ${verdict}`)
        expect(seen.diagrams).toHaveLength(kind === 'summary' ? 2 : 0)
        expect(seen.text).not.toMatch(/[\u202e\u2066\u200b]/)
        expect(await viewer.ask('window.ran')).toBeUndefined()
      }
    }
  })

  test('in a pull request -> the bundle shows them as text', async () => {
    const name =
      '<img src=x onerror=window.ran=1> @team [x](http://evil.test) | `a` \u202e "]:::bad end'
    const file = `policies/@team [x](www.evil.test) \`a\` | end.yaml`
    const tests = world.bareText('tests/notes.yaml').replace('verdict: allow', 'verdict: deny')
    const rule = world.bareText('policies/rules.yaml').split('rules:\n')[1] ?? ''
    const pull = await world.propose({
      'tests/notes.yaml': tests.replace('reading is allowed', JSON.stringify(name)),
      [file]: `apiVersion: countersign/v1\nkind: Guardrails\nrules:\n${rule
        .replaceAll(/id: notes\//g, 'id: others/')
        .replaceAll(/then: deny/g, `then: deny\n    about: ${JSON.stringify(name)}`)}`,
    })
    const ran = await runPolicy(pull)
    expect(ran, ran.stdout).toMatchObject({ status: 1, outputs: { verdict: 'deny' } })
    for (const size of SIZES) {
      const comment = await look(ran.comment, 'comment', size)
      const summary = await look(ran.summary, 'summary', size)
      expect([...comment.flaws, ...summary.flaws]).toEqual([])
      expect(comment.seen.codes).toContain(name.replace('\u202e', '\\u202e'))
      expect(comment.seen.codes.join('\n')).toContain(file)
      expect(await viewer.ask('window.ran')).toBeUndefined()
    }
  })
})

describe('the look finds', () => {
  test.for([
    {
      what: 'a bad diagram',
      text: '```mermaid\nflowchart LR\n  a["x"]"]\n```',
      want: /no diagram/,
    },
    {
      what: 'a word that Mermaid reads',
      text: '```mermaid\nflowchart LR\n  a["`x`"] --> end\n```',
      want: /no diagram/,
    },
    {
      what: 'a label that is lost',
      text: '```mermaid\nflowchart LR\n  a["x #quot; y"]\n```',
      want: /labels/,
    },
    { what: 'no Mermaid', text: '```mermaid\n```', want: /no diagram/ },
    { what: 'stars', text: '<p>**x**</p>', want: /markup as text/ },
    { what: 'tags', text: '<p>&lt;details&gt;</p>', want: /markup as text/ },
    { what: 'code that ends', text: '<p><code>a</code>`b`</p>', want: /markup as text/ },
    { what: 'a table of Markdown', text: '<p>| a |</p>', want: /markup as text/ },
    { what: 'a mention', text: '<p>@team</p>', want: /leads outside/ },
    { what: 'a number', text: '<p>acme/x#1</p>', want: /leads outside/ },
    { what: 'a link', text: '[x](http://127.0.0.1:9/)', want: /leads outside/ },
    { what: 'a bare address', text: 'see https://evil.test', want: /leads outside/ },
    { what: 'an image', text: '<img src="http://127.0.0.1:9/x.png">', want: /asked for http/ },
    {
      what: 'a broken table',
      text: '<table>\n<tr><td>a</td></tr>\n</table></table>\n<table></table><table>',
      want: /rows of tables/,
    },
    { what: 'lost code', text: '<p><!-- <code>a</code> --></p>', want: /words in code/ },
  ])('$what', async ({ text, want }) => {
    const { flaws } = await look(`${text}\n`, 'comment', SIZES[2])
    expect(flaws.join('\n')).toMatch(want)
  })

  test('a page that is too wide', async () => {
    await look('a\n', 'comment', SIZES[2])
    await viewer.ask(`document.querySelector('.box').style = 'width: 600px'`)
    const flaws = flawsOf(await viewer.ask<Look>(LOOK), 'a\n')
    expect(flaws.join('\n')).toMatch(/sticks out/)
  })

  test('a script, an event handler or a style -> GitHub takes them away, and so does the viewer', async () => {
    const text =
      '<p onclick="window.ran=1" style="color: red" class="box" id="x">a</p><script>window.ran=1</script>'
    await viewer.show(`${text}<img src=x onerror="window.ran=1">\n`, 'comment', SIZES[0])
    expect(await viewer.ask('window.ran')).toBeUndefined()
    expect(await viewer.ask(`document.querySelector('.markdown-body p').outerHTML`)).toBe(
      '<p>a</p>',
    )
  })
})

const PICTURES = [
  { name: 'gate-comment', width: 820 },
  { name: 'gate-summary', width: 900 },
  { name: 'gate-allowed', width: 820 },
  { name: 'gate-release', width: 900 },
] as const

describe('the pictures of the documentation', () => {
  test.for(PICTURES)('$name shows what the bundle writes now', async ({ name, width }) => {
    const { kind = 'comment', markdown = '' } = texts.get(name) ?? {}
    const shown = withoutRun(markdown)
    const [text, picture] = ['md', 'png'].map((ending) => join(IMAGES, `${name}.${ending}`)) as [
      string,
      string,
    ]
    await viewer.show(shown, kind, { width, height: 900, mobile: false, scheme: 'light' })
    const box = await viewer.ask<{ width: number; height: number }>(
      `(({ width, height }) => ({ width, height }))(document.querySelector('.box').getBoundingClientRect())`,
    )
    if (process.env['UPDATE_PICTURES'] === '1') {
      mkdirSync(IMAGES, { recursive: true })
      writeFileSync(text, shown)
      writeFileSync(picture, smallPng(await viewer.picture(SCALE), shown))
    }
    expect(shown, 'UPDATE_PICTURES=1 draws it again').toBe(readFileSync(text, 'utf8'))
    const found = readPng(readFileSync(picture), shown)
    expect(found.isOfText).toBe(true)
    expect(Math.abs(found.width - box.width * SCALE)).toBeLessThanOrEqual(2)
    // Another version of the browser may break a line elsewhere.
    expect(Math.abs(found.height / (box.height * SCALE) - 1)).toBeLessThan(0.05)
    expect(statSync(picture).size).toBeLessThan(PICTURE_BYTES_MAX)
  })

  test('each that a page shows is one of them, and each of them is shown', () => {
    const pages = [
      'README.md',
      'docs/README.md',
      ...readdirSync(join(ROOT, 'docs/how-to')).map((file) => `docs/how-to/${file}`),
    ]
    const shown = pages.flatMap((page) => {
      const images = readFileSync(join(ROOT, page), 'utf8').matchAll(/!\[([^\]]*)\]\(([^)]*)\)/g)
      return [...images].map(([, words = '', path = '']) => {
        expect(words.length, `${page}: words for those who do not see ${path}`).toBeGreaterThan(20)
        return join(page, '..', path)
      })
    })
    const named = PICTURES.map(({ name }) => `docs/images/${name}.png`)
    expect([...new Set(shown)].toSorted()).toEqual(named.toSorted())
    const files = readdirSync(IMAGES).filter((file) => file.endsWith('.png'))
    expect(files.map((file) => `docs/images/${file}`).toSorted()).toEqual(named.toSorted())
    expect(named.every((file) => existsSync(join(ROOT, file)))).toBe(true)
  })
})
