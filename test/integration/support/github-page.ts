import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { markdownViewer } from '../../../scripts/tools.ts'
import type { BrowserPage } from './chromium.ts'
import { temporaryFolder } from './host.ts'

// Markdown in a browser as GitHub shows it: micromark with its GFM extension, which follows GitHub's own parser; GitHub's
// style sheet, taken from its pages; Mermaid. Where it may differ from GitHub:
//
// - GitHub does not publish its sanitiser's rules. Ours (github-view.js) keeps the elements that its documentation and its
//   former html-pipeline name, and drops each style, class, id, event handler and script.
// - GitHub draws a diagram in a frame of another origin, with buttons to move and zoom. Ours is drawn in the page, with the
//   strict security level and the themes `default` and `dark`. GitHub's version was 11.17.2 in September 2026 by what
//   the diagram `info` says (https://github.com/mermaid-js/mermaid/issues/8289): the one that is pinned.
// - Mentions, numbers and commits become links whether or not somebody or something bears that name; emoji like `:tada:`
//   stay as they are.
// - Fonts are Noto's, and Twemoji, in the place of the reader's, so that every machine shows the same.
// - The box and the line above the text are only like GitHub's.

export type Size = {
  readonly width: number
  readonly height: number
  readonly mobile: boolean
  readonly scheme: 'light' | 'dark'
}

export type Viewer = {
  /** Shows Markdown as the comment of a bot, or as the summary of a job. */
  show(markdown: string, kind: 'comment' | 'summary', size: Size): Promise<void>
  /** What an expression of JavaScript gives in the page. */
  ask<T>(expression: string): Promise<T>
  /** The box with what is shown, as a PNG. */
  picture(scale: number): Promise<Buffer>
}

type Render = (
  text: string,
  options: { allowDangerousHtml: true; extensions: unknown[]; htmlExtensions: unknown[] },
) => string

export async function openViewer(browser: BrowserPage): Promise<Viewer> {
  const modules = join(markdownViewer(), 'node_modules')
  const url = (...path: readonly string[]) => pathToFileURL(join(modules, ...path)).href
  const load = (...path: readonly string[]) => import(/* @vite-ignore */ url(...path))
  const { micromark } = (await load('micromark', 'index.js')) as { micromark: Render }
  const { gfm, gfmHtml } = (await load('micromark-extension-gfm', 'index.js')) as {
    gfm: () => unknown
    gfmHtml: () => unknown
  }
  const folder = temporaryFolder('viewer')
  let count = 0

  const ask = async <T>(expression: string): Promise<T> => {
    const { result, exceptionDetails: thrown } = await browser.send<{
      result: { value: T }
      exceptionDetails?: { exception?: { description?: string }; text: string }
    }>('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true })
    if (thrown !== undefined) throw new Error(thrown.exception?.description ?? thrown.text)
    return result.value
  }

  const show: Viewer['show'] = async (markdown, kind, { scheme, ...metrics }) => {
    const html = micromark(markdown, {
      ...{ allowDangerousHtml: true, extensions: [gfm()], htmlExtensions: [gfmHtml()] },
    })
    const file = join(folder, `${++count}.html`)
    writeFileSync(file, pageOf(kind, url))
    const device = { ...metrics, deviceScaleFactor: 1 }
    await browser.send('Emulation.setDeviceMetricsOverride', device)
    const features = [{ name: 'prefers-color-scheme', value: scheme }]
    await browser.send('Emulation.setEmulatedMedia', { features })
    const loaded = browser.once('Page.loadEventFired')
    await browser.send('Page.navigate', { url: pathToFileURL(file).href })
    await loaded
    await ask(`showMarkdown(${JSON.stringify({ html, dark: scheme === 'dark' })})`)
  }

  const picture: Viewer['picture'] = async (scale) => {
    const box = await ask<{ x: number; y: number; width: number; height: number }>(
      `(({ x, y, width, height }) => ({ x, y, width, height }))(document.querySelector('.box').getBoundingClientRect())`,
    )
    const { data } = await browser.send<{ data: string }>('Page.captureScreenshot', {
      ...{ format: 'png', captureBeyondViewport: true, clip: { ...box, scale } },
    })
    return Buffer.from(data, 'base64')
  }
  return { show, ask, picture }
}

function pageOf(kind: 'comment' | 'summary', url: (...path: string[]) => string): string {
  const font = (name: string, file: string) => url('@fontsource', name, file)
  const styles = [
    url('github-markdown-css', 'github-markdown.css'),
    ...['400.css', '600.css', '400-italic.css'].map((file) => font('noto-sans', file)),
    ...[font('noto-sans-mono', '400.css'), url('twemoji-colr-font', 'twemoji.css')],
  ]
  const scripts = [
    url('dompurify', 'dist', 'purify.min.js'),
    url('mermaid', 'dist', 'mermaid.min.js'),
    pathToFileURL(join(import.meta.dirname, 'github-view.js')).href,
  ]
  const head = {
    comment: '<b>github-actions</b> <span class="bot">bot</span> commented',
    summary: '<b>gate</b> summary',
  }
  return [
    '<!doctype html><meta charset="utf-8"><title>Markdown</title>',
    '<meta name="viewport" content="width=device-width">',
    ...styles.map((href) => `<link rel="stylesheet" href="${href}">`),
    `<style>${STYLE}</style>`,
    ...scripts.map((src) => `<script src="${src}"></script>`),
    `<div class="box ${kind}"><div class="head">${head[kind]}</div><article class="markdown-body"></article></div>`,
  ].join('\n')
}

const STYLE = `
:root { color-scheme: light dark; --line: #d1d9e0; --head: #f6f8fa; --words: #59636e; --page: #ffffff }
@media (prefers-color-scheme: dark) { :root { --line: #3d444d; --head: #151b23; --words: #9198a1; --page: #0d1117 } }
body { margin: 0; padding: 12px; background: var(--page); font: 14px "Noto Sans", sans-serif }
.box { border: 1px solid var(--line); border-radius: 6px; overflow: clip; margin: 0 auto; background: var(--page) }
.comment { max-width: 880px }
.summary { max-width: 1000px }
.head { padding: 8px 16px; border-bottom: 1px solid var(--line); background: var(--head); color: var(--words) }
.bot { border: 1px solid var(--line); border-radius: 2em; padding: 0 7px; font-size: 12px }
.markdown-body {
  --fontStack-sansSerif: "Noto Sans", "Twemoji", sans-serif;
  --fontStack-monospace: "Noto Sans Mono", "Twemoji", monospace;
  padding: 16px;
}
.comment .markdown-body { font-size: 14px }
.diagram { margin-bottom: 16px; text-align: center }
.failed { border: 1px solid #cf222e; padding: 16px }
`
