# METADATA
# title: A recipient whom nobody named
# description: A message goes to whom the user named, and to nobody whom a page, a mail or another agent put in.
# custom:
#   on: { service: mail, action: send }
#   threats: [ASI01, ASI07]
package countersign.injection.recipient_nobody_named

import data.countersign.lib

hold contains {"msg": "the recipient is not the one that the user named"} if not named("to")

hold contains {"msg": "a further recipient is not one that the user named"} if {
	some field in ["cc", "bcc", "reply_to"]
	lib.has(["action", "payload", field])
	not named(field)
}

named(field) if lib.is_users(["action", "payload", field])
