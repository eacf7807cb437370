# What an agent may spend, per call and per day.
package rules.budget

import data.lib

limits := object.union(data.config.budget.default, own_limits)

default own_limits := {}

own_limits := data.config.budget.by_agent[input.action.agent]

approved if lib.amount <= limits.free

approved if {
	some approval in input.action.context.approvals
	approval.amount >= lib.amount
	approval.by in data.config.budget.approvers
	not expired(approval)
}

expired(approval) if time.parse_rfc3339_ns(approval.until) < time.parse_rfc3339_ns(input.now)

deny contains sprintf("%v exceeds what one call may cost (%v)", [lib.amount, limits.call]) if {
	lib.amount > limits.call
}

deny contains "the currency is not accepted" if {
	currency := input.action.payload.currency
	not currency in data.config.budget.currencies
}

deny contains "an amount below zero" if lib.amount < 0

hold contains sprintf("%v needs an approval", [lib.amount]) if {
	lib.amount > limits.free
	not approved
}

hold contains "the day's spending is nearly used up" if {
	input.action.service == "payments"
	lib.counted("payments_day") * 10 >= limits.calls_day * 9
}

deny contains "too many payments today" if {
	input.action.service == "payments"
	lib.counted("payments_day") > limits.calls_day
}
