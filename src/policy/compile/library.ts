/** Where the library stands among the Rego sources of a bundle; no file of a repository may lie in this folder. */
export const LIBRARY_FILE = 'countersign/lib.rego'

/**
 * `data.countersign.lib`: positive helpers, to be negated in a rule. They take the way to a field below `input`, not
 * the field: OPA evaluates arguments before `not`, so `not f(input.action.payload.host)` is undefined, and denies
 * nothing, exactly when the field is missing. `object.get` runs inside and finds a set there, which equals no JSON.
 */
export const LIBRARY_SOURCE = `# METADATA
# title: Countersign library
# description: >-
#   Positive helpers over a field of the input. Deny by negating one, so that a missing field denies:
#   \`not lib.in_list(["action", "payload", "host"], ["api.example.com"])\`.
#   Never write \`not f(input.action.payload.host)\`: a missing argument makes that undefined, and nothing is denied.
package countersign.lib

# METADATA
# description: The field is there and its value is in the array or set.
in_list(path, list) if object.get(input, path, set()) in list

# METADATA
# description: The field is text that starts with one of the prefixes.
starts_with_any(path, prefixes) if {
	text := object.get(input, path, set())
	is_string(text)
	some prefix in prefixes
	startswith(text, prefix)
}

# METADATA
# description: The field is text that ends with one of the suffixes.
ends_with_any(path, suffixes) if {
	text := object.get(input, path, set())
	is_string(text)
	some suffix in suffixes
	endswith(text, suffix)
}

# METADATA
# description: The field is a number between least and most, both included.
between(path, least, most) if {
	value := object.get(input, path, set())
	is_number(value)
	value >= least
	value <= most
}

# METADATA
# description: The field is text of at least one character that is no white space.
is_filled(path) if {
	text := object.get(input, path, set())
	is_string(text)
	trim_space(text) != ""
}
`
