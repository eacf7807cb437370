# Where an agent may send what.
package rules.network

import data.lib

deny contains sprintf("host %s is not on the list", [host]) if {
	some host in hosts
	not lib.below(host, data.config.network.domains)
	not in_house(host)
}

deny contains sprintf("address %s lies in a network that agents must not reach", [host]) if {
	some host in hosts
	regex.match(`^[0-9]+(\.[0-9]+){3}$`, host)
	some block in data.config.network.blocks_denied
	net.cidr_contains(block, host)
}

deny contains "only https leaves the house" if {
	some url in urls
	not startswith(lower(url), "https://")
	not in_house(lib.host_of(url))
}

deny contains "the request carries a credential in its query" if {
	some url in urls
	regex.match(`(?i)[?&](token|api_key|password|secret)=`, url)
}

hold contains sprintf("%s has never been called by this agent", [host]) if {
	some host in hosts
	lib.below(host, data.config.network.domains)
	not host in data.config.agents[input.action.agent].hosts_known
	input.action.action in {"post", "put"}
}

hold contains "a large body goes out" if {
	input.action.service == "http"
	input.action.action in {"post", "put"}
	count(json.marshal(input.action.payload)) > data.config.network.body_bytes_max
}

urls contains url if {
	input.action.service == "http"
	url := input.action.payload.url
}

urls contains url if {
	input.action.service == "http"
	some url in input.action.payload.mirrors
}

hosts contains lib.host_of(url) if some url in urls

in_house(host) if endswith(host, ".internal")

in_house("localhost")
