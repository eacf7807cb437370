package rules

deny contains "service and action" if {
	input.action.service == "payments"
	input.action.action == "refund"
	input.action.payload.amount > 5
}

deny contains "service only" if {
	input.action.service == "payments"
	input.action.payload.dry == true
}

deny contains msg if {
	input.action.service == "mail"
	input.n == 1.5
	input.z == null
	msg := {"msg": "several scalars"}
}

deny contains "one of a list" if {
	input.action.service in {"mail", "chat", 7}
	not input.action.payload.dry
}

deny contains "no condition" if {
	some tag in input.tags
	tag == "never"
}

deny contains "through a local" if {
	action := input.action
	"chat" == action.service
	count(input.tags) > 1
}

default allow := false

allow if input.action.service == "mail"

allow if input.action.service == "chat"

allow if input.action.service == "calendar"

level := 1 if input.tier == "gold"

level := 2 if input.tier == "silver"

level := 3 if input.tier == 3

level := 4 if input.tier == 4

# Several rules may give a value for one tier: a conflict unless it is the same.
level := input.n if input.tier == "gold"

limit := 10 if {
	input.tier == "gold"
} else := 20 if {
	input.tier == "silver"
}

limit := 30 if input.tier == 3

limit := 40 if input.tier == 4

score("low", n) := n + 1 if n < 3

score("low", 7) := 7

score("high", n) := n * 2

score("none", _) := 0

scored := score(input.tier, input.n)

by_kind[input.kind] contains input.n if input.tier == "gold"

by_kind[input.kind] contains 2 if input.tier == "silver"

by_kind.fixed contains 3 if input.tier == 3
