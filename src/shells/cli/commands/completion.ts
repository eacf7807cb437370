import type { Command } from 'commander'
import { Argument } from 'commander'
import { completionScript } from '../completion-script.ts'
import { withExamples } from '../options.ts'
import { type Cli, printText } from '../output.ts'

export function registerCompletion(program: Command, cli: Cli): void {
  const command = program
    .command('completion')
    .description('print a shell completion script')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .action((shell: 'bash' | 'zsh' | 'fish') => printText(cli, completionScript(program, shell)))
  withExamples(command, [
    ['source <(countersign completion bash)', 'for this shell; put it in ~/.bashrc for all'],
    ['countersign completion zsh > ~/.zfunc/_countersign', 'a folder of your fpath'],
    ['countersign completion fish | source', 'for this shell'],
  ])
}
