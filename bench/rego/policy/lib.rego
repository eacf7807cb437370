# Helpers that the rule sets share.
package lib

# Lower-cased host of a URL, without user, port and path.
host_of(url) := host if {
	parts := regex.find_all_string_submatch_n(`^[a-z][a-z0-9+.-]*://([^/?#]*)`, lower(url), 1)
	authority := parts[0][1]
	segments := split(authority, "@")
	with_port := segments[count(segments) - 1]
	host := split(with_port, ":")[0]
}

# Whether a host is a listed domain or below one.
below(host, domains) if {
	some domain in domains
	host == domain
}

below(host, domains) if {
	some domain in domains
	endswith(host, concat("", [".", domain]))
}

# A path with its dots worked out as far as a guard needs: anything that climbs is no path at all.
clean_path(path) := cleaned if {
	not contains(path, "..")
	cleaned := trim_right(replace(path, "//", "/"), "/")
}

under(path, folder) if path == folder

under(path, folder) if startswith(path, sprintf("%s/", [folder]))

# Every text anywhere in a value, with where it stands.
texts(value) := {[concat(".", [format_step(step) | some step in path]), text] |
	walk(value, [path, text])
	is_string(text)
}

format_step(step) := step if is_string(step)

format_step(step) := format_int(step, 10) if is_number(step)

amount := to_number(input.action.payload.amount) if input.action.payload.amount

default counted(_) := 0

counted(name) := input.state.counters[name] if input.state.counters[name]
