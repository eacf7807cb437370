import { compareText } from '../../base/position.ts'
import type {
  CompiledEval,
  CompiledPolicy,
  CompiledRelease,
  Place,
  Release,
} from '../../model/generated/types.ts'
import { checkDuration } from './checks.ts'
import type { Documents, Entry } from './documents.ts'
import { derivedFingerprint } from './release-digest.ts'
import type { Report } from './report.ts'
import { suggestion } from './report.ts'
import { sorted } from './sorted.ts'

/** How old evidence may be, where a release does not say it. */
export const EVIDENCE_AGE = '7d'

/** Checks what releases say of agents, routes, their own evidence and each other. */
export function checkReleases(documents: Documents, report: Report): void {
  const { releases } = documents
  const first = new Map<string, Place>()
  for (const entry of releases) {
    const { release } = entry.value
    const before = first.get(release)
    if (before === undefined) first.set(release, entry.at('/release'))
    else {
      const message = `the release ${JSON.stringify(release)} is at ${before.file}:${before.line}:${before.column} already; keep one`
      report.error(entry.at('/release'), 'ID_DUPLICATE', message)
    }
    checkAgent(entry, documents, report)
    checkFallback(entry, documents, report)
    checkRollback(entry, documents, report)
    checkEvidence(entry, report)
    checkLists(entry, report)
  }
}

/** The releases with every default, sorted by name; nothing where there are none. */
export function compileReleases({
  releases,
}: Pick<Documents, 'releases'>): Pick<CompiledPolicy, 'releases'> {
  if (releases.length === 0) return {}
  const compiled = releases.map(compileRelease)
  return { releases: compiled.sort((a, b) => compareText(a.release, b.release)) }
}

/** An action with a fingerprint that the Agent file does not approve is held: such a release would not run. */
function checkAgent(entry: Entry<Release>, { agents, broken }: Documents, report: Report): void {
  const { agent, fingerprint } = entry.value
  const names = agents.map(({ value }) => value.agent)
  if (!names.includes(agent)) {
    if (broken.has('Agent')) return
    const message = `no agent ${JSON.stringify(agent)}${suggestion(agent, names)}`
    report.error(entry.at('/agent'), 'REFERENCE_UNKNOWN', message)
    return
  }
  const approved = agents.find(({ value }) => value.agent === agent)?.value.fingerprints
  const derived = derivedFingerprint(entry.value)
  if (approved === undefined) {
    if (fingerprint === undefined || fingerprint === derived) return
    const message = `the agent ${JSON.stringify(agent)} approves no fingerprints; leave this out, or add it to the Agent file`
    report.error(entry.at('/fingerprint'), 'REFERENCE_UNKNOWN', message)
    return
  }
  if (approved.includes(fingerprint ?? derived)) return
  const message =
    fingerprint === undefined
      ? `the agent ${JSON.stringify(agent)} does not approve the fingerprint of this release, ${derived}; add it to the Agent file`
      : `the agent ${JSON.stringify(agent)} does not approve this fingerprint${suggestion(fingerprint, approved)}`
  const at = fingerprint === undefined ? '/agent' : '/fingerprint'
  report.error(entry.at(at), 'REFERENCE_UNKNOWN', message)
}

/** That a route can be satisfied, the checks of routes say. */
function checkFallback(entry: Entry<Release>, { routes, broken }: Documents, report: Report): void {
  const { route } = entry.value.fallback
  const names = routes.map(({ value }) => value.id)
  if (names.includes(route) || broken.has('Routes')) return
  const message = `no route ${JSON.stringify(route)}${suggestion(route, names)}`
  report.error(entry.at('/fallback/route'), 'REFERENCE_UNKNOWN', message)
}

function checkRollback(
  entry: Entry<Release>,
  { releases, broken }: Documents,
  report: Report,
): void {
  const { release, agent, rollback } = entry.value
  const to = targetOf(rollback)
  if (to === null) return
  const refuse = (message: string): void => {
    report.error(entry.at('/rollback/to'), 'REFERENCE_UNKNOWN', message)
  }
  if (to === release) {
    refuse('a release cannot take its own place; name an earlier one')
    return
  }
  const target = releases.find(({ value }) => value.release === to)
  if (target === undefined) {
    const names = releases.map(({ value }) => value.release).filter((name) => name !== release)
    if (broken.has('Release')) return
    refuse(`no release ${JSON.stringify(to)}${suggestion(to, names)}`)
    return
  }
  if (target.value.agent !== agent) {
    refuse(
      `the release ${JSON.stringify(to)} is of the agent ${JSON.stringify(target.value.agent)}`,
    )
    return
  }
  if (leadsBack(release, to, releases)) {
    refuse(`the release ${JSON.stringify(to)} goes back to this one; one of them is the earlier`)
  }
}

/** Whether going back again and again from a release ends at another. */
function leadsBack(name: string, from: string, releases: Documents['releases']): boolean {
  const seen = new Set<string>()
  let at: string | null = from
  while (at !== null && !seen.has(at)) {
    if (at === name) return true
    seen.add(at)
    const next = releases.find(({ value }) => value.release === at)
    at = next === undefined ? null : targetOf(next.value.rollback)
  }
  return false
}

function targetOf(rollback: Release['rollback']): string | null {
  return 'to' in rollback ? rollback.to : null
}

function checkEvidence(entry: Entry<Release>, report: Report): void {
  const { evals, latency = [], cost } = entry.value
  evals.forEach(({ need, max_age: age }, index) => {
    checkDuration(entry, `/evals/${index}/max_age`, age, report)
    if (!('of' in need) || need.passed <= need.of) return
    const message = `expected at most ${need.of} passes, which is all of the suite, found ${need.passed}`
    report.error(entry.at(`/evals/${index}/need/passed`), 'VALUE_INVALID', message)
  })
  latency.forEach(({ max_age: age, p50_ms: p50, p95_ms: p95 }, index) => {
    checkDuration(entry, `/latency/${index}/max_age`, age, report)
    if (p50 === undefined || p50 <= p95) return
    const message = `expected at most "p95_ms", ${p95}, found ${p50}: half of the runs are among the 95 of 100`
    report.error(entry.at(`/latency/${index}/p50_ms`), 'VALUE_INVALID', message)
  })
  checkDuration(entry, '/cost/max_age', cost?.max_age, report)
}

/** One result cannot stand for two evaluations. */
function checkLists(entry: Entry<Release>, report: Report): void {
  const { evals, latency = [], artefacts } = entry.value
  const once = (names: readonly string[], what: string, at: (index: number) => string): void => {
    names.forEach((name, index) => {
      if (names.indexOf(name) === index) return
      const message = `the ${what} ${JSON.stringify(name)} stands here twice; keep one`
      report.error(entry.at(at(index)), 'ID_DUPLICATE', message)
    })
  }
  const ids = evals.map(({ id }) => id)
  once(ids, 'evaluation', (index) => `/evals/${index}/id`)
  const files = evals.map(({ file }) => file)
  once(files, 'result', (index) => `/evals/${index}/file`)
  const measured = latency.map(({ file }) => file)
  once(measured, 'measurement', (index) => `/latency/${index}/file`)
  const named = artefacts.map(({ name }) => name)
  once(named, 'artefact', (index) => `/artefacts/${index}/name`)
  const digests = artefacts.map(({ digest }) => digest)
  once(digests, 'artefact', (index) => `/artefacts/${index}/digest`)
}

function compileRelease(entry: Entry<Release>): CompiledRelease {
  const { value } = entry
  const { release, agent, version, model, prompt, tools, artefacts, cost, latency = [] } = value
  const missed = value.missed ?? 'deny'
  const common = <T extends { readonly max_age?: string; readonly missed?: 'hold' | 'deny' }>(
    one: T,
  ) => ({ ...one, max_age: one.max_age ?? EVIDENCE_AGE, missed: one.missed ?? missed })
  return {
    ...{ release, agent, version, model },
    prompt: { files: sorted(prompt.files), digest: prompt.digest },
    tools: { files: sorted(tools.files), digest: tools.digest },
    artefacts: [...artefacts].sort((a, b) => compareText(a.name, b.name)),
    fingerprint: value.fingerprint ?? derivedFingerprint(value),
    evals: value.evals
      .map((one): CompiledEval => common(one))
      .sort((a, b) => compareText(a.id, b.id)),
    latency: latency
      .map((one) => common({ ...one, format: one.format ?? 'summary' }))
      .sort((a, b) => compareText(a.file, b.file)),
    ...(cost === undefined ? {} : { cost: common({ ...cost, format: cost.format ?? 'summary' }) }),
    evidence: value.evidence ?? 'bound',
    fallback: value.fallback.route,
    rollback: targetOf(value.rollback),
    ...entry.at('/release'),
  }
}
