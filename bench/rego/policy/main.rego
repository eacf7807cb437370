# What the guard says of one tool call: the worst verdict of six rule sets, with every reason.
package guard

import data.rules.budget
import data.rules.files
import data.rules.network
import data.rules.privacy
import data.rules.schedule
import data.rules.tools

default verdict := "allow"

verdict := "deny" if {
	count(denials) > 0
} else := "hold" if {
	count(holds) > 0
}

decision := {
	"verdict": verdict,
	"reasons": sort([reason | some reason in (denials | holds)]),
	"redact": redactions,
	"score": score,
	"route": route,
}

denials contains reason if some reason in files.deny

denials contains reason if some reason in network.deny

denials contains reason if some reason in budget.deny

denials contains reason if some reason in privacy.deny

denials contains reason if some reason in tools.deny

denials contains "the action names no agent that is known" if not agent_known

holds contains reason if some reason in budget.hold

holds contains reason if some reason in network.hold

holds contains reason if some reason in schedule.hold

holds contains reason if some reason in tools.hold

redactions := privacy.redact

agent_known if data.config.agents[input.action.agent]

# Each denial weighs 10, each hold 3, an unusual hour 1.
score := total if {
	parts := [10 * count(denials), 3 * count(holds), schedule.surcharge]
	total := sum(parts)
}

default route := "default"

route := owner if {
	owner := data.config.services[input.action.service].owner
	count(holds) > 0
}
