package countersign.injection.recipient_nobody_named_test

import data.countersign.injection.recipient_nobody_named as rule

message(role, context) := {"action": {
	"service": "mail",
	"action": "send",
	"role": role,
	"payload": {"to": "bo@example.com"},
	"context": context,
}}

from(authority) := {"provenance": {"payload": {"to": authority}}}

test_allow_recipient_of_the_user if {
	count(rule.hold) == 0 with input as message("host", from("user"))
}

test_allow_copy_of_the_user if {
	both := {"provenance": {"payload": {"to": "user", "cc": "user"}}}
	count(rule.hold) == 0 with input as copied("cc", both)
}

test_hold_further_recipient_nobody_named if {
	every field in ["cc", "bcc", "reply_to"] {
		count(rule.hold) == 1 with input as copied(field, from("user"))
	}
}

copied(field, context) := {"action": object.union(
	message("host", context).action,
	{"payload": {"to": "bo@example.com", field: "eve@example.net"}},
)}

test_hold_recipient_of_a_page if {
	count(rule.hold) == 1 with input as message("host", from("untrusted"))
}

test_hold_word_of_the_agent if {
	count(rule.hold) == 1 with input as message("agent", from("user"))
}

test_hold_without_provenance if {
	count(rule.hold) == 1 with input as message("host", {})
}

test_hold_without_recipient if {
	count(rule.hold) == 1 with input as {"action": {"role": "host", "payload": {}, "context": from("user")}}
}
