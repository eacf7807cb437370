// biome-ignore-all lint/suspicious/noTemplateCurlyInString: `${...}` belongs to the shell that reads the script.
import type { Command, Option } from 'commander'

export type Shell = 'bash' | 'zsh' | 'fish'

/** A completion script made from the program's own tree, so that it knows every command and option. */
export function completionScript(program: Command, shell: Shell): string {
  const nodes = nodesOf(program, [])
  if (shell === 'bash') return bash(program.name(), nodes)
  return shell === 'zsh' ? zsh(program.name(), nodes) : fish(program.name(), nodes)
}

type Node = {
  /** The words that lead here, without the program's own name. */
  readonly path: readonly string[]
  readonly children: readonly { readonly name: string; readonly about: string }[]
  readonly options: readonly Flag[]
  /** Words that its first argument may be; files when there are none. */
  readonly words: readonly string[]
}

type Flag = {
  readonly long: string
  readonly short: string | null
  readonly about: string
  readonly takesValue: boolean
  readonly choices: readonly string[]
}

function nodesOf(command: Command, path: readonly string[]): Node[] {
  const children = command.commands.map((child) => ({
    name: child.name(),
    about: child.description(),
  }))
  const options = command.createHelp().visibleOptions(command).map(flagOf)
  const words = command.registeredArguments[0]?.argChoices ?? []
  const below = command.commands.flatMap((child) => nodesOf(child, [...path, child.name()]))
  return [{ path, children, options, words }, ...below]
}

function flagOf(option: Option): Flag {
  return {
    long: option.long ?? '',
    short: option.short ?? null,
    about: option.description,
    takesValue: option.required || option.optional,
    choices: option.argChoices ?? [],
  }
}

/** Walks the words up to the cursor: what is the name of a subcommand leads deeper. Sets `path`. */
function walk(nodes: readonly Node[]): string[] {
  const steps = nodes.flatMap(({ path, children }) =>
    children.map(({ name }) => `      ${quote([...path, name].join(' '))}) path="$try" ;;`),
  )
  return [
    '  local path="" try word',
    '  for word in "${before[@]}"; do',
    '    try="${path:+$path }$word"',
    '    case "$try" in',
    ...steps,
    '    esac',
    '  done',
  ]
}

function bash(name: string, nodes: readonly Node[]): string {
  const values = nodes.flatMap(({ path, options }) =>
    options
      .filter(({ choices }) => choices.length > 0)
      .map(
        ({ long, choices }) =>
          `    ${quote(`${path.join(' ')}:${long}`)}) choices="${choices.join(' ')}" ;;`,
      ),
  )
  const files = [
    ...new Set(
      nodes
        .flatMap(({ options }) => options.filter(({ takesValue }) => takesValue))
        .flatMap(namesOf),
    ),
  ]
  const offers = nodes.map(({ path, children, options, words }) => {
    const all = [...children.map(({ name: child }) => child), ...words, ...options.flatMap(namesOf)]
    return `    ${quote(path.join(' '))}) choices="${all.join(' ')}" ;;`
  })
  return [
    `# bash completion of ${name}`,
    `_${name}() {`,
    '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" choices=""',
    '  local before=("${COMP_WORDS[@]:1:COMP_CWORD-1}")',
    ...walk(nodes),
    '  case "$path:$previous" in',
    ...values,
    '  esac',
    '  if [ -z "$choices" ]; then',
    '    case "$previous" in',
    `      ${files.join('|')}) compopt -o default; COMPREPLY=(); return ;;`,
    '    esac',
    '    case "$path" in',
    ...offers.map((line) => `  ${line}`),
    '    esac',
    '  fi',
    '  COMPREPLY=($(compgen -W "$choices" -- "$current"))',
    '  [ ${#COMPREPLY[@]} -gt 0 ] || compopt -o default',
    '}',
    `complete -F _${name} ${name}`,
    '',
  ].join('\n')
}

function zsh(name: string, nodes: readonly Node[]): string {
  const cases = nodes.map(({ path, children, options, words }) => {
    const described = [
      ...children.map(({ name: child, about }) => `${child}:${plain(about)}`),
      ...words,
    ]
    const flags = options.flatMap((flag) =>
      namesOf(flag).map((text) => `${text}:${plain(flag.about)}`),
    )
    return [
      `    ${quote(path.join(' '))})`,
      `      words_here=(${described.map(quote).join(' ')})`,
      `      flags_here=(${flags.map(quote).join(' ')}) ;;`,
    ].join('\n')
  })
  const values = nodes.flatMap(({ path, options }) =>
    options
      .filter(({ choices }) => choices.length > 0)
      .map(
        ({ long, choices }) =>
          `    ${quote(`${path.join(' ')}:${long}`)}) compadd -- ${choices.join(' ')}; return ;;`,
      ),
  )
  const files = [
    ...new Set(
      nodes
        .flatMap(({ options }) => options.filter(({ takesValue }) => takesValue))
        .flatMap(namesOf),
    ),
  ]
  return [
    `#compdef ${name}`,
    `_${name}() {`,
    '  local -a before words_here flags_here',
    '  before=("${(@)words[2,CURRENT-1]}")',
    ...walk(nodes),
    '  case "$path:${words[CURRENT-1]}" in',
    ...values,
    '  esac',
    '  case "${words[CURRENT-1]}" in',
    `    ${files.join('|')}) _files; return ;;`,
    '  esac',
    '  case "$path" in',
    ...cases,
    '  esac',
    '  if [[ "${words[CURRENT]}" == -* ]]; then',
    "    _describe 'option' flags_here",
    '  elif (( ${#words_here} )); then',
    "    _describe 'command' words_here",
    '  else',
    '    _files',
    '  fi',
    '}',
    `if [ "$funcstack[1]" = "_${name}" ]; then _${name} "$@"; else compdef _${name} ${name}; fi`,
    '',
  ].join('\n')
}

function fish(name: string, nodes: readonly Node[]): string {
  const [root] = nodes
  const lines = nodes.flatMap(({ path, children, options, words }) => {
    const rest = children.map(({ name: child }) => child).join(' ')
    const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ')
    const none = rest === '' ? '' : `not __fish_seen_subcommand_from ${rest}`
    const when = quote([seen, none].filter(Boolean).join('; and ') || 'true')
    return [
      ...children.map(
        ({ name: child, about }) =>
          `complete -c ${name} -f -n ${when} -a ${child} -d ${quote(about)}`,
      ),
      ...words.map((word) => `complete -c ${name} -f -n ${when} -a ${word}`),
      ...options.map((flag) => fishFlag(name, when, flag)),
    ]
  })
  return [
    `# fish completion of ${name}: ${root?.children.length ?? 0} commands`,
    ...lines,
    '',
  ].join('\n')
}

function fishFlag(
  name: string,
  when: string,
  { long, short, about, takesValue, choices }: Flag,
): string {
  return [
    `complete -c ${name} -n ${when}`,
    short === null ? '' : `-s ${short.slice(1)}`,
    `-l ${long.slice(2)}`,
    choices.length > 0 ? `-x -a ${quote(choices.join(' '))}` : takesValue ? '-r' : '',
    `-d ${quote(about)}`,
  ]
    .filter(Boolean)
    .join(' ')
}

function namesOf({ long, short }: Flag): string[] {
  return [long, ...(short === null ? [] : [short])].filter(Boolean)
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** `_describe` splits at a colon. */
function plain(text: string): string {
  return text.replaceAll(':', ' -')
}
