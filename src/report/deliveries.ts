import { type Paint, visible } from './paint.ts'

/** A delivery as a list shows it. */
export type DeliveryRow = {
  readonly delivery: string
  readonly state: string
  readonly outcome: string | null
  readonly giver: string
  readonly holder: string
  readonly to: string | null
  readonly steps: number
  readonly held: number
  readonly at: string
}

/** One step of a delivery as people look at it. */
export type StepRow = {
  readonly step: {
    readonly type: string
    readonly step: number
    readonly agent?: string
    readonly to?: string
    readonly outcome?: string
    readonly because?: string
    readonly request?: string
    readonly held?: readonly { readonly decision: string }[]
  }
  readonly at: string
  readonly by: string
  readonly receipt: { readonly index: number; readonly leaf_hash: string }
}

/** One line a delivery. */
export function deliveryRowsText(rows: readonly DeliveryRow[], paint: Paint): string {
  if (rows.length === 0) return 'no deliveries'
  return rows.map((row) => rowText(row, paint)).join('\n')
}

/** A delivery and its chain, a line a step. */
export function deliveryText(
  delivery: DeliveryRow & {
    readonly chain: readonly StepRow[]
    readonly escrow: readonly { readonly decision: string; readonly state: string }[]
  },
  paint: Paint,
): string {
  return [
    rowText(delivery, paint),
    ...delivery.chain.map((row) => stepText(row, paint)),
    ...delivery.escrow.map(({ decision, state }) => `  escrow  ${decision}  ${state}`),
  ].join('\n')
}

/** What came of one step. */
export function stepTakenText(
  taken: {
    readonly delivery: string
    readonly step: number
    readonly state: string
    readonly receipt: { readonly index: number }
    readonly requests: readonly string[]
  },
  paint: Paint,
): string {
  const { delivery, step, state, receipt, requests } = taken
  const asked = requests.map((request) => `  people decide on ${request}`)
  return [
    `${delivery}  step ${step}  ${paint.bold(state)}  receipt ${receipt.index}`,
    ...asked,
  ].join('\n')
}

function rowText(row: DeliveryRow, paint: Paint): string {
  const { delivery, state, outcome, giver, holder, to, steps, held, at } = row
  const way = [giver, ...(holder === giver ? [] : [holder]), ...(to === null ? [] : [`(${to})`])]
  const end = outcome === null ? state : `${state}, ${outcome}`
  const kept = held === 0 ? '' : `  holds ${held}`
  const route = way.map(visible).join(' > ')
  return `${delivery}  ${paint.bold(end)}  ${route}  ${steps} steps${kept}  ${paint.dim(at)}`
}

function stepText({ step, at, by, receipt }: StepRow, paint: Paint): string {
  const { agent = 'engine', to, outcome, because, request } = step
  const held =
    step.held === undefined ? null : `holds ${step.held.map((one) => one.decision).join(', ')}`
  const said = [to === undefined ? null : `to ${to}`, outcome, because, request, held]
  const words = said.flatMap((word) => (word == null ? [] : [visible(word)]))
  const proof = `receipt ${receipt.index}  ${receipt.leaf_hash.slice(0, 16)}`
  const signed = by === 'engine' ? 'engine vouches' : by
  const what = [`${step.step}`.padStart(4), step.type.padEnd(8), visible(agent), ...words]
  return `${what.join('  ')}  ${paint.dim(`${at}  ${proof}  ${signed}`)}`
}
