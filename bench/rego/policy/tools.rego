# Which tools an agent has, and how it may chain them.
package rules.tools

grants := data.config.agents[input.action.agent].tools

name := sprintf("%s.%s", [input.action.service, input.action.action])

granted if {
	some pattern in grants
	glob.match(pattern, ["."], name)
}

deny contains sprintf("%s is not among the tools of %s", [name, input.action.agent]) if not granted

deny contains "a role that may only read" if {
	input.action.role == "reader"
	not input.action.action in {"get", "list", "read", "search"}
}

deny contains "data was read and now leaves" if {
	sends
	some earlier in input.state.recent
	earlier.service in data.config.tools.sensitive
	earlier.verdict == "allow"
	not input.action.context.reviewed == true
}

sends if input.action.service == "mail"

sends if {
	input.action.service == "http"
	input.action.action in {"post", "put"}
}

repeated := count([1 |
	some earlier in input.state.recent
	earlier.service == input.action.service
	earlier.action == input.action.action
])

hold contains sprintf("%s was called %d times of late", [name, repeated]) if repeated >= data.config.tools.repeats_max

hold contains "an agent changes its own rules" if {
	input.action.service == "git"
	some path in input.action.payload.paths
	startswith(path, "policies/")
}

hold contains "every reviewer of the change is its author" if {
	input.action.service == "git"
	input.action.action == "merge"
	every reviewer in input.action.payload.reviewers {
		reviewer == input.action.principal
	}
}
