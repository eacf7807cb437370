import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { utf8 } from '../../src/base/digest.ts'
import { exportHtml } from '../../src/report/export-html.ts'
import { type ExportCase, largeCase, smallCase } from '../report/export-case.ts'
import { type BrowserPage, openBrowser } from './support/chromium.ts'
import { temporaryFolder } from './support/host.ts'

// An HTML report in a real browser: it draws, it fits, and it asks for nothing. EXPORT_SHOTS=DIR keeps the screenshots.

const folder = process.env['EXPORT_SHOTS'] ?? temporaryFolder('shots')
let browser: BrowserPage

beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser.close())

const SIZES = [
  { name: 'a phone', width: 390, height: 844, mobile: true, scheme: 'light' },
  { name: 'a phone in the dark', width: 360, height: 740, mobile: true, scheme: 'dark' },
  { name: 'a tablet', width: 768, height: 1024, mobile: true, scheme: 'light' },
  { name: 'a desktop', width: 1280, height: 900, mobile: false, scheme: 'light' },
  { name: 'a desktop in the dark', width: 1440, height: 900, mobile: false, scheme: 'dark' },
] as const

/** What the page says of itself. */
type Seen = {
  readonly overflow: number
  /** Elements that stick out to the right, but for those in a box that scrolls. */
  readonly wide: readonly string[]
  /** Width and height of each drawing, in pixels, and how many bars it has. */
  readonly plots: readonly { width: number; height: number; bars: number }[]
  readonly rows: readonly number[]
  readonly paper: string
  readonly allow: string
}

const LOOK = `(() => {
  const page = document.documentElement
  const sticksOut = (one) => one.getBoundingClientRect().right > page.clientWidth + 1
  const boxed = (one) => one.closest('.card.rows') !== null && getComputedStyle(one.closest('.card.rows')).overflowX === 'auto'
  return {
    overflow: page.scrollWidth - page.clientWidth,
    wide: [...document.querySelectorAll('body *')].filter((one) => sticksOut(one) && !boxed(one)).map((one) => one.outerHTML.slice(0, 80)),
    plots: [...document.querySelectorAll('svg.plot')].map((one) => ({ width: one.getBoundingClientRect().width, height: one.getBoundingClientRect().height, bars: one.querySelectorAll('rect').length })),
    rows: [...document.querySelectorAll('tbody')].map((one) => one.querySelectorAll('tr').length),
    paper: getComputedStyle(document.body).backgroundColor,
    allow: getComputedStyle(document.querySelector('.v-allow')).fill,
  }
})()`

async function look(made: ExportCase, size: (typeof SIZES)[number], name: string): Promise<Seen> {
  const file = join(folder, `${name}.html`)
  const { header, records, text } = made
  writeFileSync(file, exportHtml({ header, records, lines: utf8(text) }))
  const { width, height, mobile, scheme } = size
  const scale = { width, height, mobile, deviceScaleFactor: 1 }
  await browser.send('Emulation.setDeviceMetricsOverride', scale)
  const features = [{ name: 'prefers-color-scheme', value: scheme }]
  await browser.send('Emulation.setEmulatedMedia', { features })
  const loaded = browser.once('Page.loadEventFired')
  await browser.send('Page.navigate', { url: pathToFileURL(file).href })
  await loaded
  const { result } = await browser.send<{ result: { value: Seen } }>('Runtime.evaluate', {
    ...{ expression: LOOK, returnByValue: true },
  })
  const { data } = await browser.send<{ data: string }>('Page.captureScreenshot', {
    ...{ format: 'png', captureBeyondViewport: mobile },
  })
  writeFileSync(join(folder, `${name}.png`), Buffer.from(data, 'base64'))
  return result.value
}

describe.each([
  { what: 'large', made: largeCase },
  { what: 'small', made: smallCase },
])('a $what report', ({ what, made }) => {
  test.for(SIZES)('on $name draws, fits, and asks for nothing', async (size) => {
    const before = browser.events.length
    const seen = await look(made(), size, `${what}-${size.width}-${size.scheme}`)
    expect(seen.wide).toEqual([])
    expect(seen.overflow).toBe(0)
    expect(seen.plots).toHaveLength(2)
    for (const { width, height, bars } of seen.plots) {
      expect(width).toBeGreaterThan(Math.min(280, size.width - 100))
      expect(height).toBeGreaterThan(100)
      expect(bars).toBeGreaterThan(what === 'large' ? 6 : 0)
    }
    // Agents, what people decided, what was denied, policies.
    expect(seen.rows).toHaveLength(4)
    for (const count of seen.rows) expect(count).toBeGreaterThan(0)
    // The style applies, which the page's policy names by its hash.
    expect(seen.paper).toBe(size.scheme === 'dark' ? 'rgb(20, 23, 28)' : 'rgb(251, 250, 248)')
    expect(seen.allow).toBe(size.scheme === 'dark' ? 'rgb(87, 176, 142)' : 'rgb(63, 146, 114)')
    const events = browser.events.slice(before)
    const asked = events.filter(({ method }) => method === 'Network.requestWillBeSent')
    expect(asked.map(({ params }) => (params as { type: string }).type)).toEqual(['Document'])
    const said = events.filter(({ method }) =>
      ['Log.entryAdded', 'Runtime.consoleAPICalled', 'Runtime.exceptionThrown'].includes(method),
    )
    expect(said.map(({ params }) => JSON.stringify(params))).toEqual([])
  })
})

test('a style that somebody adds does not apply, and no script runs', async () => {
  const made = smallCase()
  const page = exportHtml({ ...made, lines: utf8(made.text) })
  const evil =
    '<style>body{display:none}</style><script>document.title="run"</script><img src="http://127.0.0.1:9/x">'
  const file = join(folder, 'evil.html')
  writeFileSync(file, page.replace('</main>', `${evil}</main>`))
  const loaded = browser.once('Page.loadEventFired')
  await browser.send('Page.navigate', { url: pathToFileURL(file).href })
  await loaded
  const { result } = await browser.send<{ result: { value: string } }>('Runtime.evaluate', {
    expression: 'document.title + getComputedStyle(document.body).display',
  })
  expect(result.value).toBe('Decisions of countersign.test/acmeblock')
})
