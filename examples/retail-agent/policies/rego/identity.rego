# METADATA
# title: Identity
# description: Nothing of a customer's is changed before the agent has looked up who the customer is.
# custom:
#   on: { service: retail, effect: [write, irreversible] }
package countersign.identity

hold contains {"msg": "nobody was identified before this change"} if not identified

# Handing over needs no name, and an agent that is stuck must be able to.
identified if input.action.action == "transfer_to_human_agents"

# `recent` holds the agent's last twenty actions; a look-up that was itself refused identifies nobody.
identified if {
	some earlier in input.state.recent
	earlier.service == "retail"
	startswith(earlier.action, "find_user_id_by_")
	earlier.verdict in {"allow", "redact"}
}
