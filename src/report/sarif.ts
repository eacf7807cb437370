import { compareText } from '../base/position.ts'
import type { Annotation } from './annotations.ts'

/**
 * Annotations as a SARIF 2.1.0 log, as code scanning services read it.
 *
 * @param version - of this package
 */
export function sarifLog(annotations: readonly Annotation[], version: string): object {
  const ids = [...new Set(annotations.map(({ id }) => id))].sort(compareText)
  const urls = new Map(annotations.map(({ id, url }) => [id, url]))
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
            rules: ids.map((id) => ({
              id,
              shortDescription: { text: id.toLowerCase().replaceAll(/[_-]/g, ' ') },
              ...(urls.get(id) === undefined ? {} : { helpUri: urls.get(id) }),
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: annotations.map((annotation) => ({
          ruleId: annotation.id,
          ruleIndex: ids.indexOf(annotation.id),
          level: annotation.level,
          message: { text: annotation.message },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: uriOf(annotation.file), uriBaseId: '%SRCROOT%' },
                region: {
                  startLine: Math.max(1, annotation.line),
                  startColumn: Math.max(1, annotation.column),
                },
              },
            },
          ],
        })),
      },
    ],
  }
}

function uriOf(file: string): string {
  return file.split('/').map(encodeURIComponent).join('/')
}
