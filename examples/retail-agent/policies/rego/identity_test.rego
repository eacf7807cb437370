package countersign.identity_test

import data.countersign.identity

change(action, recent) := {
	"action": {"service": "retail", "action": action, "payload": {}},
	"state": {"recent": recent},
}

looked_up(verdict) := {"service": "retail", "action": "find_user_id_by_email", "verdict": verdict}

test_allow_after_look_up if {
	count(identity.hold) == 0 with input as change("cancel_pending_order", [looked_up("allow")])
}

test_allow_hand_over_without_look_up if {
	count(identity.hold) == 0 with input as change("transfer_to_human_agents", [])
}

test_hold_without_look_up if {
	count(identity.hold) == 1 with input as change("cancel_pending_order", [])
}

test_hold_after_refused_look_up if {
	count(identity.hold) == 1 with input as change("cancel_pending_order", [looked_up("deny")])
}

test_hold_after_look_up_elsewhere if {
	elsewhere := {"service": "forum", "action": "find_user_id_by_email", "verdict": "allow"}
	count(identity.hold) == 1 with input as change("cancel_pending_order", [elsewhere])
}

test_hold_without_state if {
	count(identity.hold) == 1 with input as {"action": {"service": "retail", "action": "cancel_pending_order"}}
}
