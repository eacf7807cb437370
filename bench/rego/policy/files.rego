# Which files an agent may read and write.
package rules.files

import data.lib

deny contains sprintf("writing %s is outside of the work folders", [path]) if {
	input.action.service == "files"
	input.action.action in {"write", "append", "delete"}
	path := input.action.payload.path
	not writable(path)
}

deny contains sprintf("reading %s is not allowed", [path]) if {
	input.action.service == "files"
	path := input.action.payload.path
	protected(path)
}

deny contains "the path climbs out of its folder" if {
	input.action.service == "files"
	contains(input.action.payload.path, "..")
}

deny contains sprintf("files of kind %s are not written by agents", [kind]) if {
	input.action.service == "files"
	input.action.action == "write"
	parts := split(input.action.payload.path, ".")
	kind := parts[count(parts) - 1]
	kind in data.config.files.kinds_denied
}

deny contains "the file is larger than an agent may write" if {
	input.action.service == "files"
	input.action.action == "write"
	count(input.action.payload.content) > data.config.files.bytes_max
}

writable(path) if {
	cleaned := lib.clean_path(path)
	some folder in data.config.files.writable
	lib.under(cleaned, folder)
}

protected(path) if {
	some pattern in data.config.files.protected
	glob.match(pattern, ["/"], path)
}

protected(path) if regex.match(`(^|/)\.(ssh|aws|gnupg|netrc)(/|$)`, path)

protected(path) if endswith(lower(path), ".pem")
