import type { ExportSummary } from './export-summary.ts'
import { spanText, VERDICTS } from './export-summary.ts'
import { escapeHtml } from './export-text.ts'

// The drawings stretch to any width, so text stands beside them as HTML, where it keeps its size.

/** Decisions over time, stacked by verdict. */
export function timePlot({ bins, binMs }: ExportSummary): string {
  if (bins.length === 0) return empty('No decisions in this period.')
  const totals = bins.map(({ counts }) =>
    VERDICTS.reduce((sum, one) => sum + (counts.get(one) ?? 0), 0),
  )
  const most = Math.max(1, ...totals)
  const bars = bins.map(({ from, counts }, i) => {
    let top = HEIGHT
    const parts = VERDICTS.flatMap((verdict) => {
      const count = counts.get(verdict) ?? 0
      if (count === 0) return []
      const height = round((count / most) * HEIGHT)
      top = round(top - height)
      return `<rect class="v-${verdict}" x="${i * 10 + 1}" y="${top}" width="8" height="${height}"/>`
    })
    if (parts.length === 0) return ''
    const said = VERDICTS.flatMap((one) => (counts.has(one) ? `${counts.get(one)} ${one}` : []))
    return `<g><title>${minute(from)} · ${said.join(', ')}</title>${parts.join('')}</g>`
  })
  const [first, last] = [bins[0], bins.at(-1)]
  const middle = bins[Math.floor(bins.length / 2)]
  return [
    `<p class="axis"><span>at most ${most} in ${spanText(binMs)}</span></p>`,
    `<svg class="plot" viewBox="0 0 ${bins.length * 10} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="Decisions over time by verdict">`,
    grid(bins.length * 10),
    ...bars.filter((bar) => bar !== ''),
    '</svg>',
    `<p class="axis">${[first, middle, last].map((bin) => `<span>${minute(bin?.from ?? 0)}</span>`).join('')}</p>`,
    legend(VERDICTS),
  ].join('\n')
}

/** How long people took to approve. */
export function waitPlot({ waits }: ExportSummary): string {
  if (waits.every(({ count }) => count === 0)) return empty('Nobody approved anything.')
  const most = Math.max(...waits.map(({ count }) => count))
  const bars = waits.map(({ label, count }, i) => {
    const height = round((count / most) * HEIGHT)
    return `<rect class="v-wait" x="${i * 10 + 1}" y="${round(HEIGHT - height)}" width="8" height="${height}"><title>${escapeHtml(label)}: ${count}</title></rect>`
  })
  const labels = waits.map(({ label, count }) => `<span><b>${count}</b>${escapeHtml(label)}</span>`)
  return [
    `<svg class="plot low" viewBox="0 0 ${waits.length * 10} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="Time to approval">`,
    grid(waits.length * 10),
    ...bars,
    '</svg>',
    `<p class="axis even">${labels.join('')}</p>`,
  ].join('\n')
}

/** One agent's verdicts beside each other; `most` fills the width. */
export function agentBar(counts: ReadonlyMap<string, number>, most: number): string {
  let x = 0
  const parts = VERDICTS.flatMap((verdict) => {
    const count = counts.get(verdict) ?? 0
    if (count === 0) return []
    const width = round((count / Math.max(1, most)) * 100)
    const part = `<rect class="v-${verdict}" x="${round(x)}" y="0" width="${width}" height="10"><title>${count} ${verdict}</title></rect>`
    x += width
    return part
  })
  return `<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="Verdicts">${parts.join('')}</svg>`
}

/** A time to the minute, UTC. */
export function minute(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
}

const HEIGHT = 100

function grid(width: number): string {
  return [0, 50, 100]
    .map((y) => `<line class="grid" x1="0" y1="${y}" x2="${width}" y2="${y}"/>`)
    .join('')
}

function legend(words: readonly string[]): string {
  const items = words.map(
    (word) =>
      `<span><svg class="key" aria-hidden="true" viewBox="0 0 10 10"><rect class="v-${word}" width="10" height="10"/></svg>${word}</span>`,
  )
  return `<p class="legend">${items.join('')}</p>`
}

function empty(text: string): string {
  return `<p class="none">${text}</p>`
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
