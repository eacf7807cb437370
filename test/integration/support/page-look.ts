/** What a person would see of rendered Markdown, as far as a program can tell. */
export type Look = {
  /** How much wider than the window the page is, in pixels. */
  readonly overflow: number
  /** Elements that stick out, but for those in a box that scrolls. */
  readonly wide: readonly string[]
  readonly headings: readonly string[]
  /** Text of each cell of each row of each table. */
  readonly tables: readonly (readonly (readonly string[])[])[]
  /** Text of each <code>. */
  readonly codes: readonly string[]
  readonly diagrams: readonly {
    readonly labels: readonly string[]
    readonly width: number
    readonly height: number
    /** Labels that are larger than what was kept free for them. */
    readonly clipped: readonly string[]
  }[]
  /** What Mermaid says of a diagram that it cannot draw. */
  readonly failures: readonly string[]
  /** Text outside of code and diagrams that looks like markup. */
  readonly leftovers: readonly string[]
  /** Links, images and whatever else could ask for something outside. */
  readonly outside: readonly string[]
  /** All that is shown, diagrams included. */
  readonly text: string
}

/** Gives a Look, in a page of github-page.ts. */
export const LOOK = `(() => {
  const page = document.documentElement
  const body = document.querySelector('.markdown-body')
  const all = (selector, inside = body) => [...inside.querySelectorAll(selector)]
  const sticksOut = (one) => one.getBoundingClientRect().right > page.clientWidth + 1
  const scrolls = (one) => one !== null && (/auto|scroll/.test(getComputedStyle(one).overflowX) && !sticksOut(one) || scrolls(one.parentElement))
  const labels = (svg) => all('.nodeLabel, .edgeLabel .label', svg).map((one) => (one.innerText ?? one.textContent).trim()).filter((text) => text !== '')
  const leftovers = []
  const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const { data, parentElement: parent } = walker.currentNode
    if (parent.closest('code, pre, svg') === null && ${String(
      /\*\*|`|~~~|<[!/a-z]|&(?:[a-z]+|#\d+);|\]\(|^#{1,6} |\|/im,
    )}.test(data)) leftovers.push(data.trim())
  }
  return {
    overflow: page.scrollWidth - page.clientWidth,
    wide: all('*', document.body).filter((one) => sticksOut(one) && !scrolls(one.parentElement)).map((one) => one.outerHTML.slice(0, 80)),
    headings: all('h1, h2, h3, h4').map((one) => one.textContent),
    tables: all('table').map((table) => all('tr', table).map((row) => all('th, td', row).map((cell) => cell.innerText.trim()))),
    codes: all('code').map((one) => one.textContent),
    diagrams: all('.diagram > svg').map((svg) => ({
      labels: labels(svg),
      width: svg.getBoundingClientRect().width,
      height: svg.getBoundingClientRect().height,
      clipped: all('foreignObject', svg).filter((one) => one.firstElementChild !== null && (one.firstElementChild.scrollWidth > one.width.baseVal.value + 1 || one.firstElementChild.scrollHeight > one.height.baseVal.value + 1)).map((one) => one.textContent),
    })),
    failures: [...all('.failed').map((one) => one.textContent), ...all('svg[aria-roledescription=error], .error-icon, .error-text').filter((one) => one.getBoundingClientRect().width > 0).map((one) => one.textContent), ...(body.innerText.match(/Syntax error in text/g) ?? [])],
    leftovers,
    outside: all('a, img, video, iframe, object, embed, form, link, script, [src], [onerror], [onclick], [onload]').map((one) => one.outerHTML.slice(0, 120)),
    text: body.innerText,
  }
})()`

/** What of the page is not as the Markdown says, in words; nothing for a page that is sound. */
export function flawsOf(look: Look, markdown: string): string[] {
  const { tables, codes, diagrams, overflow } = look
  const flaws = [
    ...(overflow > 0 ? [`the page is ${overflow} px too wide`] : []),
    ...look.wide.map((one) => `sticks out: ${one}`),
    ...look.failures.map((one) => `no diagram: ${one}`),
    ...look.leftovers.map((one) => `markup as text: ${one}`),
    ...look.outside.map((one) => `leads outside: ${one}`),
    ...diagrams.flatMap(({ clipped }) => clipped.map((one) => `a label that is cut: ${one}`)),
    ...diagrams
      .filter(({ width, height }) => width < 100 || height < 20)
      .map(({ width, height }) => `a diagram of ${width} x ${height} px`),
  ]
  const same = (what: string, found: unknown, wanted: unknown): void => {
    const [is, was] = [JSON.stringify(found), JSON.stringify(wanted)]
    if (is !== was) flaws.push(`${what}: ${is}, expected ${was}`)
  }
  same('words in code', codes, wordsIn(markdown))
  same(
    'rows of tables',
    tables.map((rows) => rows.length),
    [...markdown.matchAll(/<table>[\s\S]*?<\/table>/g)].map(
      ([one]) => one.split('<tr>').length - 1,
    ),
  )
  same(
    'labels',
    diagrams.map(({ labels }) => labels.map(spaced).toSorted()),
    labelsIn(markdown).map((labels) => labels.map(spaced).filter(Boolean).toSorted()),
  )
  return flaws
}

/** The words between tags of code, as text. */
function wordsIn(markdown: string): string[] {
  const names = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" } as const
  return [...markdown.matchAll(/<code>([^<]*)<\/code>/g)].map(([, inside = '']) =>
    inside.replaceAll(/&(amp|lt|gt|quot|#39);/g, (_all, name: keyof typeof names) => names[name]),
  )
}

/** The labels of each diagram, as text. */
function labelsIn(markdown: string): string[][] {
  const fences = [...markdown.matchAll(/^```mermaid\n([\s\S]*?)^```$/gm)]
  return fences.map(([, source = '']) =>
    [...source.matchAll(/"([^"]*)"|\|([^|]*)\|/g)].map(([, node, edge = '']) => {
      const text = (node ?? edge).replaceAll('<br/>', '\n')
      return text.replaceAll(/#(\d+);/g, (_all, code) => String.fromCharCode(Number(code)))
    }),
  )
}

/** HTML shows runs of spaces as one. */
function spaced(label: string): string {
  return label
    .replaceAll(/ *\n */g, '\n')
    .replaceAll(/ +/g, ' ')
    .trim()
}
