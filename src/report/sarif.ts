import { compareText } from '../base/position.ts'
import { ERROR_HELP } from '../model/generated/error-help.ts'
import type { Annotation } from './annotations.ts'

/**
 * Annotations as a SARIF 2.1.0 log, as code scanning services read it. Each rule comes with what docs/errors.md says of
 * it; what a comment asks to ignore is a result that is suppressed in the source.
 *
 * @param version - of this package
 */
export function sarifLog(annotations: readonly Annotation[], version: string): object {
  const first = new Map<string, Annotation>()
  for (const annotation of annotations) {
    if (!first.has(annotation.id)) first.set(annotation.id, annotation)
  }
  const ids = [...first.keys()].sort(compareText)
  const rules = ids.flatMap((id) => {
    const annotation = first.get(id)
    return annotation === undefined ? [] : [ruleOf(annotation)]
  })
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'countersign',
            informationUri: 'https://countersign.dev',
            version,
            rules,
          },
        },
        columnKind: 'utf16CodeUnits',
        results: annotations.map((annotation) => resultOf(annotation, ids)),
      },
    ],
  }
}

function resultOf(annotation: Annotation, ids: readonly string[]): object {
  const { id, level, message, file, line, column, ignored } = annotation
  const region = { startLine: Math.max(1, line), startColumn: Math.max(1, column) }
  const artifactLocation = { uri: uriOf(file), uriBaseId: '%SRCROOT%' }
  return {
    ruleId: id,
    ruleIndex: ids.indexOf(id),
    level,
    message: { text: message },
    locations: [{ physicalLocation: { artifactLocation, region } }],
    ...(ignored === undefined
      ? {}
      : { suppressions: [{ kind: 'inSource', justification: ignored }] }),
  }
}

/** What a rule is, whoever raised it: of an error code, its section of docs/errors.md. */
function ruleOf({ id, url, level }: Annotation): object {
  const markdown = Object.hasOwn(ERROR_HELP, id) ? ERROR_HELP[id] : undefined
  const words = id.toLowerCase().replaceAll(/[_-]/g, ' ')
  const text = markdown === undefined ? words : plain(markdown)
  return {
    id,
    name: words.replaceAll(/(?:^| )(\w)/g, (_all, letter: string) => letter.toUpperCase()),
    shortDescription: { text: firstSentence(text) },
    fullDescription: { text },
    help: { text, ...(markdown === undefined ? {} : { markdown }) },
    defaultConfiguration: { level },
    ...(url === undefined ? {} : { helpUri: url }),
  }
}

/** Markdown of one section without its marks: links, code, emphasis, line ends. */
function plain(markdown: string): string {
  return markdown
    .replaceAll(/^```\w*\n|^```$/gm, '')
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/`([^`]*)`/g, '$1')
    .replaceAll(/\*\*([^*]*)\*\*/g, '$1')
    .split(/\n{2,}/)
    .map((paragraph) => paragraph.replaceAll('\n', ' '))
    .join('\n\n')
    .trim()
}

function firstSentence(text: string): string {
  return /^[\s\S]*?\.(?=\s|$)/.exec(text)?.[0] ?? text
}

function uriOf(file: string): string {
  return file.split('/').map(encodeURIComponent).join('/')
}
