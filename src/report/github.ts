import type { Annotation } from './annotations.ts'

/**
 * Annotations as GitHub workflow commands: lines that a job prints and the pull request then shows at the files.
 * Everything is escaped, so that no message can pose as another command.
 */
export function githubAnnotations(annotations: readonly Annotation[]): string {
  return annotations
    .map(({ id, level, file, line, column, message, ignored }) => {
      const command = ignored === undefined ? level : 'notice'
      const text = ignored === undefined ? message : `${message} (ignored: ${ignored})`
      const properties = [
        `file=${property(file)}`,
        `line=${line}`,
        `col=${column}`,
        `title=${property(id)}`,
      ]
      return `::${command} ${properties.join(',')}::${data(text)}\n`
    })
    .join('')
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
