# When an agent may work alone.
package rules.schedule

now_ns := time.parse_rfc3339_ns(input.now)

weekday := time.weekday(now_ns)

hour := time.clock(now_ns)[0]

weekend if weekday in {"Saturday", "Sunday"}

night if hour < data.config.schedule.day_starts

night if hour >= data.config.schedule.day_ends

frozen contains freeze.name if {
	some freeze in data.config.schedule.freezes
	now_ns >= time.parse_rfc3339_ns(freeze.from)
	now_ns < time.parse_rfc3339_ns(freeze.to)
}

impactful if input.action.priority in {"high", "critical"}

impactful if data.config.services[input.action.service].impact == "high"

hold contains sprintf("change freeze %s", [name]) if {
	impactful
	some name in frozen
}

hold contains "an impactful action at night" if {
	impactful
	night
}

hold contains "an impactful action at the weekend" if {
	impactful
	weekend
}

surcharge := count([1 | night]) + count([1 | weekend])
