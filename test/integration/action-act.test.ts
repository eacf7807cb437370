import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gitIn, limit } from '../app/changes/change-case.ts'
import { type ActRun, runAct } from './support/act-run.ts'
import type { ActionWorld, Proposed } from './support/act-world.ts'
import { openActionWorld, pullEvent, REPOSITORY } from './support/act-world.ts'

// The committed bundle in workflows that act runs, end to end: the events, the inputs, the log and the exit code are those
// of a runner; GitHub's API is the fake, and actions/checkout is act's own, which copies a clone.

let world: ActionWorld
beforeAll(async () => {
  world = await openActionWorld()
})
afterAll(async () => {
  await world.close()
  expect(world.github.flaws).toEqual([])
})

function judge(pull: Proposed, about: Partial<Parameters<typeof runAct>[1]> = {}): Promise<ActRun> {
  return runAct(world, {
    ...{ event: 'pull_request', payload: pullEvent(pull), mode: 'policy', head: pull.head },
    ...{ trace: 'traces/*.jsonl', ...about },
  })
}

const errors = ({ annotations }: ActRun) => annotations.filter(({ level }) => level === 'error')
const commentsOf = ({ number }: Proposed) => world.github.pull(number).comments

test('a good change -> passes, and its check run is a success', async () => {
  const pull = await world.propose(limit('limit: 3'))
  const ran = await judge(pull)
  expect(ran, ran.log).toMatchObject({ status: 0, outputs: { verdict: 'allow' } })
  expect(errors(ran)).toEqual([])
  expect(world.check(pull.head)).toMatchObject({ status: 'completed', conclusion: 'success' })
})

describe('a weakened rule', () => {
  let pull: Proposed

  test('without the security reviewer -> fails at its line, and a comment shows the flips', async () => {
    pull = await world.propose(limit('limit: 50'))
    const ran = await judge(pull)
    expect(ran, ran.log).toMatchObject({ status: 1, outputs: { verdict: 'hold' } })
    expect(JSON.parse(ran.outputs['counts'] ?? '')).toMatchObject({ weakened: 1, flips_lenient: 3 })
    expect(errors(ran)).toMatchObject([
      { file: 'policies/rules.yaml', line: '10', title: 'policy weaker' },
    ])
    expect(world.check(pull.head)).toMatchObject({ conclusion: 'failure' })
    expect(commentsOf(pull)).toHaveLength(1)
    expect(commentsOf(pull)[0]?.body).toMatch(/3 .*(?:flip|lenient)/i)
    expect(commentsOf(pull)[0]?.body).toContain('notes/too-many')
  })

  test('after her signed review -> passes, and the comment is the same one, updated', async () => {
    const [before] = commentsOf(pull)
    const text = before?.body
    await world.approve(pull, 'cy')
    const payload = { ...pullEvent(pull), action: 'submitted', review: { state: 'approved' } }
    const ran = await judge(pull, { event: 'pull_request_review', payload })
    expect(ran, ran.log).toMatchObject({ status: 0, outputs: { verdict: 'allow' } })
    expect(errors(ran)).toEqual([])
    expect(world.check(pull.head)).toMatchObject({ conclusion: 'success' })
    expect(commentsOf(pull)).toHaveLength(1)
    expect(commentsOf(pull)[0]?.id).toBe(before?.id)
    expect(commentsOf(pull)[0]?.body).not.toBe(text)
  })

  test('edited after it was signed -> fails', async () => {
    const [review] = world.github.pull(pull.number).reviews
    if (review === undefined) throw new Error('no review')
    const { body } = review
    review.body = body.replace(/[A-Za-z](?=[^A-Za-z]*$)/, (letter) => (letter === 'A' ? 'B' : 'A'))
    const payload = { ...pullEvent(pull), action: 'edited' }
    const ran = await judge(pull, { event: 'pull_request_review', payload })
    expect(ran, ran.log).toMatchObject({ status: 1 })
    expect(ran.outputs['verdict']).not.toBe('allow')
    expect(world.check(pull.head)).toMatchObject({ conclusion: 'failure' })
    review.body = body
  })

  test('in a merge queue -> passes', async () => {
    const { head, number } = pull
    const tree = gitIn(world.bare, ['rev-parse', `${head}^{tree}`]).trim()
    const words = `Merge pull request #${number} from acme/${pull.branch}`
    const who = ['-c', 'user.name=GitHub', '-c', 'user.email=noreply@github.com']
    const parents = ['-p', world.base, '-p', head]
    const made = gitIn(world.bare, [...who, 'commit-tree', tree, ...parents, '-m', words]).trim()
    const ref = `refs/heads/gh-readonly-queue/main/pr-${number}-${world.base}`
    gitIn(world.bare, ['update-ref', ref, made])
    const group = { head_sha: made, head_ref: ref, base_ref: 'refs/heads/main' }
    const merge_group = { ...group, base_sha: world.base }
    const payload = { action: 'checks_requested', merge_group, repository: REPOSITORY }
    const ran = await judge(pull, { event: 'merge_group', payload, head: made, mode: 'approvals' })
    expect(ran, ran.log).toMatchObject({ status: 0, outputs: { verdict: 'allow' } })
    expect(world.check(made, 'approvals')).toMatchObject({ conclusion: 'success' })
  })

  test('after a later push -> fails again', async () => {
    const head = world.push(pull.branch, limit('limit: 60'))
    const ran = await judge({ ...pull, head })
    expect(ran, ran.log).toMatchObject({ status: 1 })
    expect(ran.outputs['verdict']).not.toBe('allow')
    expect(world.check(head)).toMatchObject({ conclusion: 'failure' })
    expect(commentsOf(pull)).toHaveLength(1)
  })
})

test('a fork, whose token can read alone -> judged all the same, and nothing is written', async () => {
  const pull = await world.propose(limit('limit: 70'))
  Object.assign(world.github.pull(pull.number), { headRepository: 1234 })
  const ran = await judge(pull, { token: world.forked.token })
  expect(ran, ran.log).toMatchObject({ status: 1, outputs: { verdict: 'hold' } })
  const notices = ran.annotations.filter(({ level }) => level === 'notice')
  expect(notices.map(({ text }) => text.slice(0, 14))).toEqual(['No check run: ', 'No comment: Gi'])
  expect(commentsOf(pull)).toEqual([])
  expect(world.check(pull.head)).toBeUndefined()
})

test('approved by a bot -> fails', async () => {
  const pull = await world.propose(limit('limit: 80'))
  await world.approve(pull, 'cy')
  const [review] = world.github.pull(pull.number).reviews.splice(0)
  world.github.review(pull.number, { user: world.robot, body: review?.body ?? '' })
  const ran = await judge(pull, { mode: 'approvals' })
  expect(ran, ran.log).toMatchObject({ status: 1, outputs: { verdict: 'deny' } })
  expect(errors(ran).map(({ title }) => title)).toContain('REVIEW_POSTER')
})
