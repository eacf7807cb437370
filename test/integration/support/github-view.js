/*
 * Runs in the page that github-page.ts makes: shows rendered Markdown as GitHub does. It takes away what GitHub's
 * sanitiser takes away, makes links of what GitHub makes links of, and draws diagrams. Globals: DOMPurify, mermaid.
 */

const TAGS =
  `a abbr b bdo blockquote br caption cite code dd del details dfn div dl dt em figcaption figure h1 h2 h3 h4
  h5 h6 hr i img ins kbd li mark ol p picture pre q rp rt ruby s samp small source span strike strong sub summary sup
  table tbody td tfoot th thead time tr tt ul var wbr`.split(/\s+/)
const ATTRIBUTES =
  `abbr align alt border cite class colspan datetime dir headers height href lang open rowspan scope span
  src start summary title type valign value width`.split(/\s+/)

/** Where GitHub makes no links. */
const LITERAL = 'a, code, pre, tt'

const LINKS = [
  { pattern: /(?<![\w`/@-])@[a-z\d][\w-]*(?:\/[\w-]+)?/gi, address: 'https://github.com/' },
  { pattern: /(?<!\w)(?:[\w.-]+\/[\w.-]+)?(?:#|GH-)\d+\b/g, address: 'https://github.com/issues/' },
  { pattern: /\b[0-9a-f]{40}\b/g, address: 'https://github.com/commit/' },
]

/** Resolves when everything is drawn. */
globalThis.showMarkdown = async ({ html, dark }) => {
  const body = document.querySelector('.markdown-body')
  body.replaceChildren(sanitised(html))
  // Labels are measured as they are drawn, so the fonts must be there.
  const fonts = ['Noto Sans', 'Noto Sans Mono', 'Twemoji'].map((name) => `16px "${name}"`)
  const loads = [...fonts, '600 16px "Noto Sans"', 'italic 16px "Noto Sans"'].map((font) =>
    document.fonts.load(font, body.textContent),
  )
  await Promise.all(loads)
  for (const { pattern, address } of LINKS) link(body, pattern, address)
  mermaid.initialize({
    ...{ startOnLoad: false, securityLevel: 'strict', theme: dark ? 'dark' : 'default' },
    ...{ fontFamily: '"Noto Sans", "Twemoji", sans-serif' },
  })
  let count = 0
  for (const block of body.querySelectorAll('pre > code.language-mermaid')) {
    await draw(block, `diagram-${++count}`)
  }
  await document.fonts.ready
}

function sanitised(html) {
  DOMPurify.addHook('afterSanitizeAttributes', (element) => {
    // No class of theirs counts, but for the language that the renderer wrote.
    const kept = element.matches('pre > code') ? element.className.match(/^language-[\w-]+$/) : null
    if (kept === null) element.removeAttribute('class')
  })
  return DOMPurify.sanitize(html, {
    ...{ ALLOWED_TAGS: TAGS, ALLOWED_ATTR: ATTRIBUTES, ALLOW_DATA_ATTR: false },
    ...{ ALLOW_ARIA_ATTR: false, RETURN_DOM_FRAGMENT: true },
  })
}

function link(body, pattern, address) {
  for (const node of textsOf(body)) {
    const parts = node.data.split(new RegExp(`(${pattern.source})`, pattern.flags))
    if (parts.length === 1) continue
    const made = parts.map((part, at) => {
      if (at % 2 === 0) return part
      const anchor = document.createElement('a')
      anchor.href = address + encodeURIComponent(part)
      anchor.textContent = part
      return anchor
    })
    node.replaceWith(...made)
  }
}

function textsOf(body) {
  const found = []
  const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    if (walker.currentNode.parentElement.closest(LITERAL) === null) found.push(walker.currentNode)
  }
  return found
}

async function draw(block, id) {
  const frame = document.createElement('div')
  frame.className = 'diagram'
  try {
    const { svg } = await mermaid.render(id, block.textContent)
    frame.innerHTML = svg
  } catch (error) {
    frame.className = 'diagram failed'
    frame.textContent = `Unable to render rich display: ${error.message}`
    document.getElementById(`d${id}`)?.remove() // What was drawn before it failed.
  }
  block.parentElement.replaceWith(frame)
}
