import { expect, test } from 'vitest'
import { problemsOf, specOf } from './rule-check.ts'

const WEEK = ['mon', 'tue', 'wed', 'thu', 'fri']

test.for([
  {
    name: 'office hours',
    yaml: 'schedule: { zone: Europe/Berlin, allow: [{ days: [mon..fri], from: "09:00", to: "17:30" }], except: [2026-12-26, 2026-12-25] }',
    want: {
      zone: 'Europe/Berlin',
      allow: [{ days: WEEK, from: '09:00', to: '17:30' }],
      except: ['2026-12-25', '2026-12-26'],
    },
  },
  {
    name: 'times without quotes',
    yaml: 'schedule: { zone: UTC, allow: [{ from: 09:00, to: 17:30 }] }',
    want: {
      zone: 'UTC',
      allow: [{ days: [...WEEK, 'sat', 'sun'], from: '09:00', to: '17:30' }],
      except: [],
    },
  },
  {
    name: 'days over the end of the week, and one by one',
    yaml: 'schedule: { zone: UTC, deny: [{ days: [sat..mon, wed, mon], to: "06:00" }, { from: "22:00" }] }',
    want: {
      zone: 'UTC',
      deny: [
        { days: ['mon', 'wed', 'sat', 'sun'], from: '00:00', to: '06:00' },
        { days: [...WEEK, 'sat', 'sun'], from: '22:00', to: '24:00' },
      ],
      except: [],
    },
  },
  {
    name: 'the whole week from one day to the one before',
    yaml: 'schedule: { zone: UTC, deny: [{ days: [wed..tue] }] }',
    want: {
      zone: 'UTC',
      deny: [{ days: [...WEEK, 'sat', 'sun'], from: '00:00', to: '24:00' }],
      except: [],
    },
  },
])('$name', ({ yaml, want }) => {
  expect(specOf(yaml)).toEqual(want)
})

test.for([
  { yaml: 'schedule: { allow: [{}] }', want: /^6:15 KEY_MISSING .*zone/ },
  { yaml: 'schedule: { zone: UTC }', want: /^6:15 KEY_MISSING .*allow/ },
  {
    yaml: 'schedule: { zone: Europe/Berln, allow: [{}] }',
    want: /^6:23 VALUE_INVALID no zone "Europe\/Berln" .* did you mean "Europe\/Berlin"\?$/,
  },
  { yaml: 'schedule: { zone: Local, allow: [{}] }', want: /^6:23 VALUE_INVALID/ },
  { yaml: 'schedule: { zone: UTC, allow: [{}], deny: [{}] }', want: /^6:41 VALUE_INVALID .*both/ },
  { yaml: 'schedule: { zone: UTC, allow: [] }', want: /^6:35 VALUE_INVALID/ },
  { yaml: 'schedule: { zone: UTC, allow: [{ days: [monday] }] }', want: /^6:45 VALUE_INVALID/ },
  { yaml: 'schedule: { zone: UTC, allow: [{ days: [mon-fri] }] }', want: /^6:45 VALUE_INVALID/ },
  { yaml: 'schedule: { zone: UTC, allow: [{ from: "9:00" }] }', want: /^6:44 VALUE_INVALID/ },
  { yaml: 'schedule: { zone: UTC, allow: [{ to: "24:01" }] }', want: /^6:42 VALUE_INVALID/ },
  { yaml: 'schedule: { zone: UTC, allow: [{ from: "24:00" }] }', want: /^6:44 VALUE_INVALID/ },
  {
    yaml: 'schedule: { zone: UTC, deny: [{ from: "09:00", to: "09:00" }] }',
    want: /^6:35 VALUE_INVALID a window from 09:00 to 09:00 is empty/,
  },
  {
    yaml: 'schedule: { zone: UTC, deny: [{}], except: [2027-02-29] }',
    want: /^6:49 VALUE_INVALID expected a day that exists, found "2027-02-29"$/,
  },
  {
    yaml: 'schedule: { zone: UTC, deny: [{}], except: [2100-02-29] }',
    want: /^6:49 VALUE_INVALID/,
  },
  {
    yaml: 'schedule: { zone: UTC, deny: [{}], except: [2026-13-01] }',
    want: /^6:49 VALUE_INVALID/,
  },
  {
    yaml: 'schedule: { zone: UTC, deny: [{}], except: [25.12.2026] }',
    want: /^6:49 VALUE_INVALID/,
  },
  {
    yaml: 'schedule: { zone: UTC, deny: [{}], expect: [2026-12-25] }',
    want: /^6:40 KEY_UNKNOWN .*except/,
  },
])('$yaml -> $want', ({ yaml, want }) => {
  expect(problemsOf(yaml)).toEqual([expect.stringMatching(want)])
})
