/** Renders what docs/errors.md says of each code as a module, for reports that carry their rules' help. */

const SITE = 'https://countersign.dev/docs/'

/** The sections of the page by code, as Markdown whose links lead to the site. */
export function errorHelp(page: string): Readonly<Record<string, string>> {
  const sections = page.split(/^## (?=[A-Z0-9_]+$)/m).slice(1)
  return Object.fromEntries(
    sections.map((section) => {
      const end = section.indexOf('\n')
      return [section.slice(0, end), absolute(section.slice(end).trim())]
    }),
  )
}

/** The module, sorted by code. */
export function errorHelpModule(page: string): string {
  const entries = Object.entries(errorHelp(page)).sort(([a], [b]) => (a < b ? -1 : 1))
  const lines = entries.map(([code, text]) => `  ${code}: ${JSON.stringify(text)},`)
  return [
    '// Generated from docs/errors.md by `npm run generate`. Do not edit.',
    '',
    '/** What docs/errors.md says of each code, in Markdown. */',
    'export const ERROR_HELP: Readonly<Record<string, string>> = {',
    ...lines,
    '}',
    '',
  ].join('\n')
}

/** `reference/x.md#y` becomes the page's address. */
function absolute(markdown: string): string {
  return markdown.replaceAll(/\]\((?!https?:)([^)\s]+)\)/g, (_all, target: string) => {
    const path = target.startsWith('#') ? `errors${target}` : target
    return `](${SITE}${path.replace(/(?:\/README)?\.md(?=#|$)/, '')})`
  })
}
