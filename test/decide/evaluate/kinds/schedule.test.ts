import { describe, expect, test } from 'vitest'
import { load, type RuleChanges, rule } from '../fixtures.ts'
import type { Label } from './labels.ts'
import { judgeWith, missingLabels } from './labels.ts'

const kind = 'schedule'
const WEEK = ['mon', 'tue', 'wed', 'thu', 'fri']
const ALL = [...WEEK, 'sat', 'sun']
const berlin = (more: object) => ({ spec: { zone: 'Europe/Berlin', except: [], ...more } })
const office = berlin({
  allow: [{ days: WEEK, from: '09:00', to: '17:30' }],
  except: ['2026-12-25', '2028-02-29'],
})
const night = berlin({
  allow: [{ days: ['fri'], from: '22:00', to: '06:00' }],
  except: ['2026-05-08', '2026-05-16'],
})
const freeze = berlin({
  deny: [
    { days: ['fri'], from: '16:00', to: '24:00' },
    { days: ['sat', 'sun'], from: '00:00', to: '24:00' },
  ],
  except: ['2026-05-16'],
})
const early = berlin({ allow: [{ days: ALL, from: '02:15', to: '02:45' }] })
const overnight = berlin({ deny: [{ days: ['sat'], from: '23:00', to: '03:00' }] })

type Case = {
  readonly label: Label
  readonly name: string
  readonly at: string
  readonly rule?: RuleChanges
  readonly want: string
}

// Berlin is one hour ahead of UTC in winter, two in summer.
const CASES: readonly Case[] = [
  { label: 'allow', name: 'a Friday at noon', at: '2026-05-01T10:00:00Z', want: 'allow' },
  {
    label: 'allow',
    name: 'a Thursday, nothing denied',
    at: '2026-05-14T10:00:00Z',
    rule: freeze,
    want: 'allow',
  },
  { label: 'allow', name: 'Friday night', at: '2026-05-01T21:00:00Z', rule: night, want: 'allow' },
  {
    label: 'allow',
    name: 'the morning after Friday night',
    at: '2026-05-02T03:59:59Z',
    rule: night,
    want: 'allow',
  },
  { label: 'hold', name: 'a Saturday at noon', at: '2026-05-02T10:00:00Z', want: 'hold' },
  { label: 'hold', name: 'Christmas, a Friday', at: '2026-12-25T11:00:00Z', want: 'hold' },
  {
    label: 'hold',
    name: 'a Friday evening that is denied',
    at: '2026-05-15T14:00:00Z',
    rule: freeze,
    want: 'hold',
  },
  { label: 'hold', name: 'Saturday night', at: '2026-05-02T21:00:00Z', rule: night, want: 'hold' },
  {
    label: 'deny',
    name: 'a Saturday where times deny',
    at: '2026-05-02T10:00:00Z',
    rule: { ...office, verdict: 'deny' },
    want: 'deny',
  },
  {
    label: 'shadow',
    name: 'a Saturday in shadow',
    at: '2026-05-02T10:00:00Z',
    rule: { ...office, mode: 'shadow' },
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'the second before it opens',
    at: '2026-05-01T06:59:59.999Z',
    want: 'hold',
  },
  { label: 'boundary', name: 'the second it opens', at: '2026-05-01T07:00:00Z', want: 'allow' },
  {
    label: 'boundary',
    name: 'the last millisecond',
    at: '2026-05-01T15:29:59.999Z',
    want: 'allow',
  },
  { label: 'boundary', name: 'the second it closes', at: '2026-05-01T15:30:00Z', want: 'hold' },
  { label: 'boundary', name: 'in winter an hour later', at: '2026-01-15T07:30:00Z', want: 'hold' },
  { label: 'boundary', name: 'in winter, open', at: '2026-01-15T08:00:00Z', want: 'allow' },
  {
    label: 'boundary',
    name: 'Saturday morning, when the night ends',
    at: '2026-05-02T04:00:00Z',
    rule: night,
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'Friday before dawn: Thursday has no night',
    at: '2026-05-01T03:00:00Z',
    rule: night,
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'the night of an excepted Friday',
    at: '2026-05-08T20:30:00Z',
    rule: night,
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'and the morning after it',
    at: '2026-05-09T01:00:00Z',
    rule: night,
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'an excepted morning after a night',
    at: '2026-05-16T01:00:00Z',
    rule: night,
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'the minute before a denied one',
    at: '2026-05-15T13:59:59Z',
    rule: freeze,
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'the last second of a denied day',
    at: '2026-05-17T21:59:59Z',
    rule: freeze,
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'Monday, midnight',
    at: '2026-05-17T22:00:00Z',
    rule: freeze,
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'a denied day that is excepted',
    at: '2026-05-16T10:00:00Z',
    rule: freeze,
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'a leap day that is excepted',
    at: '2028-02-29T11:00:00Z',
    want: 'hold',
  },
  { label: 'boundary', name: 'the day before it', at: '2028-02-28T11:00:00Z', want: 'allow' },
  { label: 'boundary', name: 'the day after it', at: '2028-03-01T11:00:00Z', want: 'allow' },
  {
    label: 'boundary',
    name: 'midnight of a new year: Thursday in Berlin',
    at: '2026-12-31T23:00:00Z',
    rule: berlin({ allow: [{ days: ['fri'], from: '00:00', to: '00:01' }] }),
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'the clock skips the window: before',
    at: '2026-03-29T00:59:59Z',
    rule: early,
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'the clock skips the window: after',
    at: '2026-03-29T01:00:00Z',
    rule: early,
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'the clock skips the window: an hour after',
    at: '2026-03-29T01:30:00Z',
    rule: early,
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'the clock repeats the window: first',
    at: '2026-10-25T00:30:00Z',
    rule: early,
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'the clock repeats the window: between',
    at: '2026-10-25T00:50:00Z',
    rule: early,
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'the clock repeats the window: again',
    at: '2026-10-25T01:30:00Z',
    rule: early,
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'a night that lasts an hour less: its end',
    at: '2026-03-29T01:00:00Z',
    rule: overnight,
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'a night that lasts an hour less: before',
    at: '2026-03-29T00:59:59Z',
    rule: overnight,
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'a night that lasts an hour more',
    at: '2026-10-25T01:59:59Z',
    rule: overnight,
    want: 'hold',
  },
  {
    label: 'boundary',
    name: 'its end',
    at: '2026-10-25T02:00:00Z',
    rule: overnight,
    want: 'allow',
  },
  {
    label: 'bad-input',
    name: 'before 2020, where times are allowed',
    at: '2019-12-31T23:59:59Z',
    want: 'hold',
  },
  {
    label: 'bad-input',
    name: 'before 2020, where times are denied',
    at: '2019-05-14T10:00:00Z',
    rule: freeze,
    want: 'hold',
  },
  { label: 'bad-input', name: 'the beginning of time', at: '1970-01-01T00:00:00Z', want: 'hold' },
  {
    label: 'bad-input',
    name: 'the end of time',
    at: '+275760-09-13T00:00:00Z',
    rule: berlin({ allow: [{ days: ['sun'], from: '00:00', to: '24:00' }] }),
    want: 'hold',
  },
]

test.for(CASES)('$label: $name, $at -> $want', ({ at, rule: changes, want }) => {
  const one = rule({ kind, verdict: 'hold', ...office, ...changes })
  expect(judgeWith(one, {}, { now: Date.parse(at) }).verdict).toBe(want)
})

test('the table has every label', () => {
  expect(missingLabels(CASES)).toEqual([])
})

test('what an action says of the time counts for nothing', () => {
  const context = { now: '2026-05-01T10:00:00Z', timezone: 'UTC' }
  const one = rule({ kind, verdict: 'hold', ...office })
  const now = Date.parse('2026-05-02T10:00:00Z')
  expect(judgeWith(one, { context, payload: context }, { now }).verdict).toBe('hold')
})

test('a finding names the zone and what its clocks show', () => {
  const now = Date.parse('2026-05-02T10:07:30Z')
  const { findings } = judgeWith(rule({ kind, verdict: 'hold', ...office }), {}, { now })
  expect(findings[0]).toMatchObject({
    message: 'The time lies outside those allowed, by the clocks of Europe/Berlin.',
    evidence: { zone: 'Europe/Berlin', day: 'sat', time: '12:07', offset: 7200 },
  })
})

describe('a bundle does not load', () => {
  const window = { days: ['mon'], from: '09:00', to: '17:00' }
  test.for([
    { name: 'an unknown zone', spec: { zone: 'Europe/Berln', allow: [window] } },
    { name: "the machine's zone", spec: { zone: 'Local', allow: [window] } },
    { name: 'no windows', spec: { zone: 'UTC' } },
    { name: 'an empty list', spec: { zone: 'UTC', allow: [] } },
    { name: 'both forms', spec: { zone: 'UTC', allow: [window], deny: [window] } },
    { name: 'a day by number', spec: { zone: 'UTC', allow: [{ ...window, days: ['1'] }] } },
    { name: 'no days', spec: { zone: 'UTC', allow: [{ ...window, days: [] }] } },
    { name: 'an hour of 25', spec: { zone: 'UTC', allow: [{ ...window, to: '25:00' }] } },
    { name: 'an empty window', spec: { zone: 'UTC', allow: [{ ...window, to: '09:00' }] } },
    { name: 'a beginning at 24:00', spec: { zone: 'UTC', allow: [{ ...window, from: '24:00' }] } },
    { name: 'a window of text', spec: { zone: 'UTC', allow: ['mon'] } },
    { name: 'a day that is none', spec: { zone: 'UTC', allow: [window], except: ['2027-02-29'] } },
    {
      name: 'a time for a day',
      spec: { zone: 'UTC', allow: [window], except: ['2027-02-28T00:00:00Z'] },
    },
    {
      name: 'one day without a list',
      spec: { zone: 'UTC', allow: [window], except: '2027-02-28' },
    },
  ])('with $name', ({ spec }) => {
    expect(() => load({ rules: [rule({ kind, spec })] })).toThrow(/test\/rule/)
  })
})
