/** Where the library stands among the Rego sources of a bundle; no file of a repository may lie in this folder. */
export const LIBRARY_FILE = 'countersign/lib.rego'

/**
 * `data.countersign.lib`: positive helpers, to be negated in a rule. They take the way to a field below `input`, not
 * the field: OPA evaluates arguments before `not`, so `not f(input.action.payload.host)` is undefined, and denies
 * nothing, exactly when the field is missing. `object.get` runs inside and finds a set there, which equals no JSON.
 *
 * The METADATA comments become the reference page. Names that start with `_` are the library's own.
 */
export const LIBRARY_SOURCE = `# METADATA
# title: Countersign library
# description: >-
#   Positive helpers, to be negated in a rule, so that a missing field denies:
#   \`not lib.in_list(["action", "payload", "host"], ["api.example.com"])\`.
#   They take the way to a field below \`input\`, never the field itself:
#   \`not f(input.action.payload.host)\` is undefined, and denies nothing, exactly when the field is missing.
package countersign.lib

# METADATA
# description: The field is there, whatever it holds.
# custom:
#   group: Fields
#   example: lib.has(["action", "payload", "approved_by"])
has(path) if object.get(input, path, set()) != set()

# METADATA
# description: The field holds exactly this value, of this type.
# custom:
#   group: Fields
#   example: lib.equals(["action", "payload", "currency"], "EUR")
equals(path, value) if object.get(input, path, set()) == value

# METADATA
# description: The field's value is in the array or set.
# custom:
#   group: Fields
#   example: lib.in_list(["action", "payload", "host"], ["api.example.com"])
in_list(path, list) if object.get(input, path, set()) in list

# METADATA
# description: The field is an array with at least one element, and every element is in the array or set.
# custom:
#   group: Fields
#   example: lib.all_in_list(["action", "payload", "recipients"], ["ana@example.com"])
all_in_list(path, list) if {
	elements := object.get(input, path, set())
	is_array(elements)
	count(elements) > 0
	every element in elements {
		element in list
	}
}

# METADATA
# description: >-
#   The field is text that starts with one of the prefixes. Not for paths and addresses: "/srv/../etc" starts with "/srv/".
#   Say with matches what all of it may be.
# custom:
#   group: Fields
#   example: lib.starts_with_any(["action", "payload", "order"], ["EU-", "UK-"])
starts_with_any(path, prefixes) if {
	text := object.get(input, path, set())
	is_string(text)
	some prefix in prefixes
	startswith(text, prefix)
}

# METADATA
# description: >-
#   The field is text that ends with one of the suffixes. Not for addresses: "x@evil.test, y@example.com" ends with
#   "@example.com". Say with matches what all of it may be.
# custom:
#   group: Fields
#   example: lib.ends_with_any(["action", "payload", "ticket"], ["-draft"])
ends_with_any(path, suffixes) if {
	text := object.get(input, path, set())
	is_string(text)
	some suffix in suffixes
	endswith(text, suffix)
}

# METADATA
# description: The field is text, and all of it matches the RE2 pattern.
# custom:
#   group: Fields
#   example: lib.matches(["action", "payload", "path"], "/srv/reports/[0-9a-z-]+[.]csv")
matches(path, pattern) if {
	text := object.get(input, path, set())
	is_string(text)
	regex.match(concat("", ["^(?:", pattern, ")$"]), text)
}

# METADATA
# description: The field is a number from least to most, both included.
# custom:
#   group: Fields
#   example: lib.between(["action", "payload", "copies"], 1, 10)
between(path, least, most) if {
	value := object.get(input, path, set())
	is_number(value)
	value >= least
	value <= most
}

# METADATA
# description: The field is text with at least one character that is no white space.
# custom:
#   group: Fields
#   example: lib.is_filled(["action", "payload", "reason"])
is_filled(path) if {
	text := object.get(input, path, set())
	is_string(text)
	trim_space(text) != ""
}

# METADATA
# description: The field is text of at most so many characters, or an array of at most so many elements.
# custom:
#   group: Fields
#   example: lib.no_longer_than(["action", "payload", "recipients"], 5)
no_longer_than(path, most) if {
	value := object.get(input, path, set())
	_is_list_or_text(value)
	count(value) <= most
}

_is_list_or_text(value) if is_string(value)

_is_list_or_text(value) if is_array(value)

# METADATA
# description: >-
#   The value stands somewhere in the payload, at any depth: a text, a number, or a whole list or object. Names of fields
#   do not count.
# custom:
#   group: Fields
#   example: lib.payload_has("u-17")
payload_has(value) if {
	walk(input.action.payload, [_, value])
}

# METADATA
# description: The value stands nowhere in the payload.
# custom:
#   group: Fields
#   example: lib.payload_lacks("*")
payload_lacks(value) if {
	is_object(input.action.payload)
	not payload_has(value)
}

# METADATA
# description: >-
#   The field is an amount from 0 to most: a number, or decimal text such as "12.50". Compared digit by digit, never
#   rounded.
# custom:
#   group: Amounts
#   example: lib.amount_at_most(["action", "payload", "amount"], 100)
amount_at_most(path, most) if {
	value := _decimal(object.get(input, path, set()))
	value >= 0
	value <= most
}

# METADATA
# description: >-
#   The field is money, \`{"amount": ..., "currency": ...}\`, in the currency of most and from 0 to its amount. Money in
#   another currency is not at most anything.
# custom:
#   group: Amounts
#   example: 'lib.money_at_most(["action", "payload", "total"], {"amount": 100, "currency": "EUR"})'
money_at_most(path, most) if {
	money := object.get(input, path, set())
	is_object(money)
	is_string(money.currency)
	money.currency == most.currency
	value := _decimal(money.amount)
	value >= 0
	value <= _decimal(most.amount)
}

_decimal(value) := value if is_number(value)

_decimal(value) := number if {
	is_string(value)
	regex.match("^-?(?:0|[1-9][0-9]{0,17})(?:[.][0-9]{1,18})?$", value)
	number := to_number(value)
}

# METADATA
# description: What the tool does can be undone, or it only reads. Not so for a tool that no Tools file names.
# custom:
#   group: Tools and agents
#   example: lib.is_reversible
is_reversible if input.action.effect in {"read", "write"}

# METADATA
# description: What the tool does cannot be undone, or no Tools file says that it can.
# custom:
#   group: Tools and agents
#   example: lib.is_irreversible
is_irreversible if not is_reversible

# METADATA
# description: >-
#   The agent has the tool, \`service.action\`, in a scope that it may use in its role. A scope that names principals is
#   asked for the principal too.
# custom:
#   group: Tools and agents
#   example: lib.has_scope("billing.refund_payment")
has_scope(tool) if {
	end := indexof(tool, ".")
	end > 0
	some scope in data.countersign.agents[input.action.agent].scopes
	_role_may(scope)
	_principal_may(scope)
	some glob in scope.tools
	dot := indexof(glob, ".")
	_glob_matches(substring(glob, 0, dot), substring(tool, 0, end))
	_glob_matches(substring(glob, dot + 1, -1), substring(tool, end + 1, -1))
}

_role_may(scope) if scope.roles == null

_role_may(scope) if input.action.role in scope.roles

_principal_may(scope) if not scope.principals

_principal_may(scope) if {
	is_string(input.action.principal)
	some glob in scope.principals
	_glob_matches(glob, input.action.principal)
}

# A name in which \`*\` stands for any run of characters, as everywhere in a policy.
_glob_matches(pattern, name) if glob.match(replace(glob.quote_meta(pattern), "\\\\*", "*"), null, name)

# METADATA
# description: The person on the roster answers for the agent.
# custom:
#   group: Tools and agents
#   example: lib.is_owned_by("ana")
is_owned_by(person) if data.countersign.agents[input.action.agent].owner == person

# METADATA
# description: The person who answers for the agent has the role. Not so for an agent without an owner.
# custom:
#   group: Tools and agents
#   example: lib.owner_has_role("finance")
owner_has_role(role) if {
	owner := data.countersign.agents[input.action.agent].owner
	role in data.countersign.people[owner].roles
}

# METADATA
# description: >-
#   The counter of the package's METADATA has counted at most so many attempts in its window, this one included. A counter
#   that nobody declared has not.
# custom:
#   group: Time and history
#   example: lib.attempts_at_most("refunds", 5)
attempts_at_most(counter, most) if {
	attempts := object.get(input, ["state", "counters", counter], set())
	is_number(attempts)
	attempts <= most
}

# METADATA
# description: >-
#   One of the agent's last twenty actions was this one, at most so many seconds ago, and it was not refused. Service and
#   action may hold \`*\`.
# custom:
#   group: Time and history
#   example: lib.came_before("crm", "find_customer_*", 3600)
came_before(service, action, seconds) if {
	now := time.parse_rfc3339_ns(input.now)
	some earlier in input.state.recent
	earlier.verdict in {"allow", "redact"}
	_glob_matches(service, earlier.service)
	_glob_matches(action, earlier.action)
	now - time.parse_rfc3339_ns(earlier.at) <= seconds * 1000000000
}

# METADATA
# description: >-
#   In the time zone it is at or after \`from\` and before \`to\`, both "HH:MM". A \`from\` after \`to\` goes over midnight. Text
#   that is no such time is never met; an unknown zone ends the evaluation, which denies.
# custom:
#   group: Time and history
#   example: lib.is_between_hours("Europe/Madrid", "08:00", "18:00")
is_between_hours(zone, from, to) if {
	_is_hour(from)
	_is_hour(to)
	[hour, minute, _] := time.clock([time.parse_rfc3339_ns(input.now), zone])
	_is_within(from, to, sprintf("%02d:%02d", [hour, minute]))
}

_is_hour(text) if regex.match("^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", text)

_is_within(from, to, at) if {
	from <= to
	at >= from
	at < to
}

_is_within(from, to, at) if {
	from > to
	at >= from
}

_is_within(from, to, at) if {
	from > to
	at < to
}

# METADATA
# description: In the time zone it is one of the days, such as "Monday".
# custom:
#   group: Time and history
#   example: lib.is_on("Europe/Madrid", ["Saturday", "Sunday"])
is_on(zone, days) if time.weekday([time.parse_rfc3339_ns(input.now), zone]) in days

# METADATA
# description: >-
#   The host says that the field's value is the user's own: the credential's role is \`host\`, and
#   \`context.provenance\` holds \`user\` at the same way, as in \`{"payload": {"recipient": "user"}}\`. What any other
#   credential says of it counts for nothing.
# custom:
#   group: Provenance
#   example: lib.is_users(["action", "payload", "recipient"])
is_users(path) if has_authority(path, ["user"])

# METADATA
# description: >-
#   The host says that the field's value has one of these authorities: \`user\`, \`trusted\`, \`delegated\`, \`untrusted\`,
#   \`unknown\`. Of a field that it says nothing about, none.
# custom:
#   group: Provenance
#   example: lib.has_authority(["action", "payload", "account"], ["user", "trusted"])
has_authority(path, authorities) if {
	input.action.role == "host"
	has(path)
	path[0] == "action"
	said := object.get(input.action.context, array.concat(["provenance"], array.slice(path, 1, count(path))), set())
	said in authorities
	said in {"user", "trusted", "delegated", "untrusted", "unknown"}
}
`
