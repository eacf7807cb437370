import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import type { Inbox } from '../../../../src/app/approvals/inbox.ts'
import { PolicyError } from '../../../../src/base/errors.ts'
import type { RequestRecord } from '../../../../src/model/ports.ts'
import { painter } from '../../../../src/report/paint.ts'
import { runInbox } from '../../../../src/shells/cli/inbox/run.ts'
import { itemOf, NOON, openedOf } from '../../../fakes/inbox-items.ts'

class FakeStream extends EventEmitter {
  rows = 24
  columns = 80
  text = ''
  setRawMode() {}
  resume() {}
  pause() {}
  write(text: string) {
    this.text += text
    return true
  }
}

const item = itemOf('a')

test.for([
  { name: 'is posted', post: async () => item.found, says: 'signed: approve; more people' },
  {
    name: 'fails',
    post: async () => {
      throw new PolicyError('FORGE_UNREACHABLE', 'away')
    },
    says: 'FORGE_UNREACHABLE: away',
  },
])(
  'who quits while a review is signed waits until it $name, and is told',
  async ({ post, says }) => {
    const [stdin, stdout] = [new FakeStream(), new FakeStream()]
    const { promise, resolve } = Promise.withResolvers<void>()
    const asked: unknown[] = []
    const inbox: Inbox = {
      reviewer: { person: 'ana', proof: 'SHA256:abc' },
      look: async () => [item],
      open: async () => openedOf(item),
      check: async () => null,
      review: async (...given): Promise<RequestRecord> => {
        asked.push(given)
        await promise
        return post()
      },
    }
    let ended = false
    const running = runInbox(inbox, {
      streams: { stdin, stdout } as never,
      ...{ environment: {}, paint: painter(false), coloured: false, everyMs: 60_000 },
      ...{ now: () => NOON, note: null, signal: new AbortController().signal },
    }).finally(() => {
      ended = true
    })
    const press = (name: string) =>
      stdin.emit('keypress', name === 'return' ? '\r' : name, { name, sequence: name })
    await expect.poll(() => stdout.text).toContain('> medium')
    press('return')
    await expect.poll(() => stdout.text).toContain('Who decides')
    for (const key of ['a', 'y', 'q']) press(key)
    expect(asked).toEqual([
      [item.found.request.id, { verdict: 'approve' }, item.found.request.root],
    ])
    await new Promise(setImmediate)
    expect(ended).toBe(false)
    resolve()
    expect(await running).toEqual([expect.stringContaining(says)])
  },
)
