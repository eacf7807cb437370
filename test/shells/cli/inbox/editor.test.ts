import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { editText } from '../../../../src/shells/cli/inbox/editor.ts'
import { temporaryFolder } from '../../../app/support.ts'

// Editors are real programs: shell scripts that change the file they are given.

let folder = ''
let runtime = ''
beforeEach(() => {
  folder = temporaryFolder()
  runtime = join(folder, 'run')
  mkdirSync(runtime, { mode: 0o700 })
})

function editor(name: string, script: string): string {
  const file = join(folder, name)
  writeFileSync(file, `#!/bin/sh\n${script}\n`)
  chmodSync(file, 0o755)
  return file
}

const edit = (environment: Record<string, string>, text = 'before') =>
  editText({ XDG_RUNTIME_DIR: runtime, ...environment }, 'payload.json', text)

describe('editing', () => {
  test('hands back what the editor wrote, and leaves nothing behind', async () => {
    const program = editor(
      'ed',
      `cp "$1" "$1~"; stat -c '%a %U' "$1" "$(dirname "$1")" > ${folder}/seen; printf after > "$1"`,
    )
    expect(await edit({ EDITOR: program })).toBe('after')
    expect(readdirSync(runtime)).toEqual([])
  })

  test('happens in a file and a folder for the person alone', async () => {
    const program = editor('ed', `stat -c %a "$1" "$(dirname "$1")" > "$1.seen"; mv "$1.seen" "$1"`)
    expect(await edit({ EDITOR: program })).toBe('600\n700\n')
  })

  test.for([
    { name: '$VISUAL before $EDITOR', visual: 'printf visual > "$1"', want: 'visual' },
    { name: '$EDITOR where $VISUAL is empty', visual: '', want: 'editor' },
  ])('takes $name', async ({ visual, want }) => {
    const VISUAL = visual === '' ? '' : editor('vis', visual)
    expect(await edit({ VISUAL, EDITOR: editor('ed', 'printf editor > "$1"') })).toBe(want)
  })

  test('an editor may have arguments, and lie below a folder with a space', async () => {
    mkdirSync(join(folder, 'a b'))
    const program = editor('a b/ed', 'printf "%s" "$1" > "$2"')
    expect(await edit({ EDITOR: `'${program}' --wait` })).toBe('--wait')
  })

  test.for([
    { name: 'an editor that fails', script: 'printf half > "$1"; exit 3', why: 'ended with 3' },
    { name: 'an editor that is killed', script: 'kill -9 $$', why: 'nothing was taken' },
    { name: 'an editor that removes the file', script: 'rm "$1"', why: 'no UTF-8 text' },
    {
      name: 'an editor that writes no text',
      script: 'printf \'\\377\' > "$1"',
      why: 'no UTF-8 text',
    },
    { name: 'an editor that is not there', script: null, why: 'ended with 127' },
  ])('$name: an error, and nothing left behind', async ({ script, why }) => {
    const program = script === null ? join(folder, 'nothing') : editor('ed', script)
    await expect(edit({ EDITOR: `${program} 2>/dev/null` })).rejects.toThrow(why)
    expect(readdirSync(runtime)).toEqual([])
  })

  test('removes what a process that is gone has left, and nothing else', async () => {
    const gone = join(runtime, 'countersign-edit-999999999-abcdef')
    const running = join(runtime, `countersign-edit-${process.pid}-abcdef`)
    const other = join(runtime, 'countersign-editor')
    for (const path of [gone, running, other]) mkdirSync(path)
    await edit({ EDITOR: 'true' })
    expect([gone, running, other].map((path) => existsSync(path))).toEqual([false, true, true])
  })

  test('a runtime folder that others may enter is not used', async () => {
    chmodSync(runtime, 0o755)
    const program = editor('ed', 'printf "%s" "$1" > "$1"')
    const path = await edit({ EDITOR: program })
    expect(path.startsWith(runtime)).toBe(false)
    expect(existsSync(path)).toBe(false)
    expect(statSync(runtime).isDirectory()).toBe(true)
  })
})
