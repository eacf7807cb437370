package unchecked

allow if not time.parse_rfc3339_ns(input.at)
