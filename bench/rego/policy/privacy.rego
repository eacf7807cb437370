# Personal data and secrets in what an agent sends.
package rules.privacy

import data.lib

patterns := {
	"card": `\b[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}\b`,
	"email": `[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,8}`,
	"iban": `\b[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\b`,
}

texts := lib.texts(input.action.payload)

redact := {path |
	outward
	some [path, text] in texts
	some name in data.config.privacy.redacted
	regex.match(patterns[name], text)
}

outward if input.action.service in data.config.privacy.outward

deny contains sprintf("a private key stands in %s", [path]) if {
	some [path, text] in texts
	contains(text, "-----BEGIN")
	contains(text, "PRIVATE KEY-----")
}

deny contains sprintf("a secret of kind %s stands in %s", [kind, path]) if {
	some [path, text] in texts
	some kind, prefix in data.config.privacy.secret_prefixes
	startswith(text, prefix)
	count(text) >= 20
}

deny contains "personal data of a country that must stay" if {
	outward
	country := input.action.context.customer.country
	country in data.config.privacy.residency
	input.action.context.region != lower(country)
}
