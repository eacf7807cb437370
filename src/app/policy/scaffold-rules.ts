/** The scaffold's texts that judge: guardrails, Rego, and the tests of both. */
export const RULE_FILES: Readonly<Record<string, string>> = {
  'policies/guardrails/refunds.yaml': `# yaml-language-server: $schema=https://countersign.dev/schemas/v1/guardrails.schema.json
apiVersion: countersign/v1
kind: Guardrails
rules:
  - id: refunds/without-a-person
    about: Money that left does not come back, so a person looks at every refund.
    on: { service: billing, action: refund_* }
    then: hold
    route: payments

  - id: refunds/too-many-per-customer
    about: More than five refunds to one customer in ten minutes is no service any more.
    on: { service: billing, action: refund_* }
    velocity: { limit: 5, per: 10m, by: [agent, payload.user_id] }
    then: deny

  - id: refunds/not-a-customer-id
    about: A refund names its customer by id, never by anything else.
    on: { service: billing, action: refund_* }
    pattern: { path: payload.user_id, not_matches: '^u-[0-9]{1,12}$' }
    then: deny
`,
  'policies/guardrails/agents.yaml': `# yaml-language-server: $schema=https://countersign.dev/schemas/v1/guardrails.schema.json
apiVersion: countersign/v1
kind: Guardrails
rules:
  - id: agents/going-in-circles
    about: The same call five times in a row helps nobody.
    on: { service: billing, effect: read }
    loop: { repeats: 5 }
    then: hold

  - id: agents/refund-after-refund
    about: Shadow first, so that the receipts show what it would hold before it holds anything.
    on: { service: billing, action: refund_* }
    flow:
      after: { service: billing, action: refund_* }
      within: 1h
      by: [agent, payload.user_id]
    then: hold
    route: payments
    # countersign-ignore: RULE_IN_SHADOW the receipts will show when to enforce it
    mode: shadow
`,
  'policies/rego/refunds.rego': `# METADATA
# title: Refunds
# description: What a refund must look like before anybody is asked about it.
# custom:
#   on: { service: billing, action: refund_* }
#   route: payments
package countersign.refunds

import data.countersign.lib

amount_max := 1000

# A positive helper, negated: an amount that is missing, or no number, is denied too.
deny contains {"msg": "the amount is no positive number"} if not amount_positive

deny contains {"msg": sprintf("the amount is above %d", [amount_max])} if {
	amount_positive
	input.action.payload.amount > amount_max
}

deny contains {"msg": "the refund says no reason"} if not lib.is_filled(["action", "payload", "reason"])

amount_positive if {
	is_number(input.action.payload.amount)
	input.action.payload.amount > 0
}
`,
  'policies/rego/refunds_test.rego': `package countersign.refunds_test

import data.countersign.refunds

refund(payload) := {"action": {"service": "billing", "action": "refund_payment", "payload": payload}}

test_allow_small_amount if {
	count(refunds.deny) == 0 with input as refund({"amount": 25, "reason": "charged twice"})
}

test_deny_amount_missing if {
	some {"msg": "the amount is no positive number"} in refunds.deny with input as refund({"reason": "charged twice"})
}

test_deny_amount_as_text if {
	count(refunds.deny) == 1 with input as refund({"amount": "25", "reason": "charged twice"})
}

test_deny_amount_too_high if {
	count(refunds.deny) == 1 with input as refund({"amount": 1000.01, "reason": "charged twice"})
}

test_deny_reason_missing if {
	count(refunds.deny) == 1 with input as refund({"amount": 25})
}

test_deny_reason_blank if {
	count(refunds.deny) == 1 with input as refund({"amount": 25, "reason": " "})
}
`,
  'tests/billing.yaml': `# yaml-language-server: $schema=https://countersign.dev/schemas/v1/decision-test.schema.json
apiVersion: countersign/v1
kind: DecisionTest
about: What the billing agent may do.
defaults: { agent: billing-agent, service: billing }
tests:
  - name: reading an invoice is allowed
    action: { action: read_invoice, payload: { invoice_id: i-1 } }
    expect: { verdict: allow, rules: [] }

  - name: deleting a customer is denied, being in no scope
    action: { action: delete_customer, payload: { user_id: u-1 } }
    expect: { verdict: deny, rules: [scope/outside-agent-scope] }

  - name: a refund waits for a person
    action: { action: refund_payment, payload: { user_id: u-1, amount: 25, reason: charged twice } }
    expect: { verdict: hold, rules: [refunds/without-a-person], route: [payments] }

  - name: a refund without an amount is denied
    action: { action: refund_payment, payload: { user_id: u-1, reason: charged twice } }
    expect: { verdict: deny, rules: [refunds/without-a-person, rego/refunds] }

  - name: a refund without a customer is denied
    action: { action: refund_payment, payload: { amount: 25, reason: charged twice } }
    expect: { verdict: deny, rules: [refunds/without-a-person, refunds/not-a-customer-id] }

  - name: a sixth refund to one customer within ten minutes is denied
    given:
      - &refund { action: refund_payment, payload: { user_id: u-1, amount: 5, reason: charged twice } }
      - *refund
      - *refund
      - *refund
      - *refund
    action: *refund
    expect:
      verdict: deny
      rules: [refunds/without-a-person, refunds/too-many-per-customer, agents/refund-after-refund]

  - name: a sixth refund goes to a person when it comes ten minutes later
    given: [*refund, *refund, *refund, *refund, *refund]
    action: { at: 11m, action: refund_payment, payload: { user_id: u-1, amount: 5, reason: charged twice } }
    expect: { verdict: hold, route: [payments] }

  - name: asking the same five times in a row is held
    given:
      - &read { action: read_invoice, payload: { invoice_id: i-1 } }
      - *read
      - *read
      - *read
    action: *read
    expect: { verdict: hold, rules: [agents/going-in-circles], route: [default] }

  - name: an agent that nobody knows is denied
    action: { agent: other-agent, action: read_invoice }
    expect: { verdict: deny }

  - name: a tool that nobody knows is denied
    action: { action: print_money }
    expect: { verdict: deny }
`,
}
