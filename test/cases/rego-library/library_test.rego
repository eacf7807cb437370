package countersign.library_test

import data.countersign.lib

# Of each helper: what it takes, and what it must not take: the field missing, of another type, just beyond.

x := ["action", "payload", "x"]

of(value) := {"action": {"payload": {"x": value}}}

nothing := {"action": {"payload": {}}}

by(action) := {"action": action, "now": "2026-03-02T08:30:00.000Z"}

at(time) := {"action": {}, "now": time}

test_has_takes_text if lib.has(x) with input as of("a")

test_has_takes_null if lib.has(x) with input as of(null)

test_has_takes_false if lib.has(x) with input as of(false)

test_has_takes_an_empty_list if lib.has(x) with input as of([])

test_has_refuses_a_missing_field if not lib.has(x) with input as nothing

test_has_refuses_a_missing_input if not lib.has(x) with input as {}

test_has_refuses_the_way_through_text if not lib.has(["action", "payload", "x", "y"]) with input as of("y")

test_equals_takes_the_value if lib.equals(x, "EUR") with input as of("EUR")

test_equals_refuses_a_missing_field if not lib.equals(x, "EUR") with input as nothing

test_equals_refuses_another_case if not lib.equals(x, "EUR") with input as of("eur")

test_equals_refuses_a_list if not lib.equals(x, "EUR") with input as of(["EUR"])

test_equals_refuses_null if not lib.equals(x, "EUR") with input as of(null)

test_equals_refuses_text_for_a_number if not lib.equals(x, 1) with input as of("1")

test_equals_takes_a_number_however_it_is_written if lib.equals(x, 1) with input as of(1.0)

test_in_list_takes_one_of_them if lib.in_list(x, ["a", "b"]) with input as of("b")

test_in_list_refuses_a_missing_field if not lib.in_list(x, ["a", "b"]) with input as nothing

test_in_list_refuses_another if not lib.in_list(x, ["a", "b"]) with input as of("c")

test_in_list_refuses_a_list if not lib.in_list(x, ["a", "b"]) with input as of(["a"])

test_in_list_refuses_part_of_one if not lib.in_list(x, ["a", "b"]) with input as of("")

test_in_list_takes_one_of_a_set if lib.in_list(x, {"a"}) with input as of("a")

test_all_in_list_takes_one if lib.all_in_list(x, ["a", "b"]) with input as of(["a"])

test_all_in_list_takes_all if lib.all_in_list(x, ["a", "b"]) with input as of(["a", "b", "a"])

test_all_in_list_refuses_a_missing_field if not lib.all_in_list(x, ["a", "b"]) with input as nothing

test_all_in_list_refuses_an_empty_list if not lib.all_in_list(x, ["a", "b"]) with input as of([])

test_all_in_list_refuses_one_too_many if not lib.all_in_list(x, ["a", "b"]) with input as of(["a", "c"])

test_all_in_list_refuses_text if not lib.all_in_list(x, ["a", "b"]) with input as of("a")

test_all_in_list_refuses_an_object if not lib.all_in_list(x, ["a", "b"]) with input as of({"a": "a"})

test_starts_with_any_takes_one_of_them if lib.starts_with_any(x, ["/a/", "/b/"]) with input as of("/b/c")

test_starts_with_any_refuses_a_missing_field if not lib.starts_with_any(x, ["/a/", "/b/"]) with input as nothing

test_starts_with_any_refuses_it_in_the_middle if not lib.starts_with_any(x, ["/a/", "/b/"]) with input as of("c/a/")

test_starts_with_any_refuses_a_number if not lib.starts_with_any(x, ["/a/", "/b/"]) with input as of(1)

test_starts_with_any_refuses_a_list if not lib.starts_with_any(x, ["/a/", "/b/"]) with input as of(["/a/"])

test_ends_with_any_takes_one_of_them if lib.ends_with_any(x, ["@a.example", "@b.example"]) with input as of("c@b.example")

test_ends_with_any_refuses_a_missing_field if not lib.ends_with_any(x, ["@a.example", "@b.example"]) with input as nothing

test_ends_with_any_refuses_it_in_the_middle if not lib.ends_with_any(x, ["@a.example", "@b.example"]) with input as of("c@a.example.evil.test")

test_ends_with_any_refuses_a_number if not lib.ends_with_any(x, ["@a.example", "@b.example"]) with input as of(1)

test_matches_takes_the_first if lib.matches(x, "[a-z]+|[0-9]{2}") with input as of("abc")

test_matches_takes_the_second if lib.matches(x, "[a-z]+|[0-9]{2}") with input as of("12")

test_matches_refuses_a_missing_field if not lib.matches(x, "[a-z]+|[0-9]{2}") with input as nothing

test_matches_refuses_more_after_it if not lib.matches(x, "[a-z]+|[0-9]{2}") with input as of("12x")

test_matches_refuses_more_before_it if not lib.matches(x, "[a-z]+|[0-9]{2}") with input as of("x12")

test_matches_refuses_a_line_more if not lib.matches(x, "[a-z]+|[0-9]{2}") with input as of("12\n")

test_matches_refuses_nothing_at_all if not lib.matches(x, "[a-z]+|[0-9]{2}") with input as of("")

test_matches_refuses_a_number if not lib.matches(x, "[a-z]+|[0-9]{2}") with input as of(12)

test_between_takes_the_least if lib.between(x, 1, 10) with input as of(1)

test_between_takes_the_most if lib.between(x, 1, 10) with input as of(10)

test_between_takes_a_fraction if lib.between(x, 1, 10) with input as of(1.5)

test_between_refuses_a_missing_field if not lib.between(x, 1, 10) with input as nothing

test_between_refuses_less if not lib.between(x, 1, 10) with input as of(0.999)

test_between_refuses_more if not lib.between(x, 1, 10) with input as of(10.001)

test_between_refuses_text if not lib.between(x, 1, 10) with input as of("5")

test_between_refuses_null if not lib.between(x, 1, 10) with input as of(null)

test_is_filled_takes_text if lib.is_filled(x) with input as of("a")

test_is_filled_takes_text_with_space_around if lib.is_filled(x) with input as of(" a ")

test_is_filled_refuses_a_missing_field if not lib.is_filled(x) with input as nothing

test_is_filled_refuses_nothing_at_all if not lib.is_filled(x) with input as of("")

test_is_filled_refuses_white_space if not lib.is_filled(x) with input as of(" \t\n")

test_is_filled_refuses_a_number if not lib.is_filled(x) with input as of(1)

test_is_filled_refuses_a_list if not lib.is_filled(x) with input as of(["a"])

test_no_longer_than_takes_text if lib.no_longer_than(x, 2) with input as of("ab")

test_no_longer_than_takes_characters_beyond_the_first_plane if lib.no_longer_than(x, 2) with input as of("😀😀")

test_no_longer_than_takes_a_list if lib.no_longer_than(x, 2) with input as of([1, 2])

test_no_longer_than_takes_an_empty_list if lib.no_longer_than(x, 2) with input as of([])

test_no_longer_than_refuses_a_missing_field if not lib.no_longer_than(x, 2) with input as nothing

test_no_longer_than_refuses_longer_text if not lib.no_longer_than(x, 2) with input as of("abc")

test_no_longer_than_refuses_a_longer_list if not lib.no_longer_than(x, 2) with input as of([1, 2, 3])

test_no_longer_than_refuses_a_number if not lib.no_longer_than(x, 2) with input as of(1)

test_no_longer_than_refuses_an_object if not lib.no_longer_than(x, 2) with input as of({"a": 1})

test_payload_has_takes_it if lib.payload_has("u-17") with input as of("u-17")

test_payload_has_takes_it_deep_inside if lib.payload_has("u-17") with input as of([{"y": ["u-17"]}])

test_payload_has_refuses_a_missing_field if not lib.payload_has("u-17") with input as nothing

test_payload_has_refuses_another if not lib.payload_has("u-17") with input as of("u-170")

test_payload_has_refuses_it_as_a_name if not lib.payload_has("u-17") with input as of({"u-17": 1})

test_payload_has_takes_a_whole_object if lib.payload_has({"y": 1}) with input as of([{"y": 1}])

test_payload_has_refuses_a_missing_payload if not lib.payload_has("u-17") with input as {"action": {}}

test_payload_lacks_takes_nothing if lib.payload_lacks("*") with input as nothing

test_payload_lacks_takes_another if lib.payload_lacks("*") with input as of("**")

test_payload_lacks_refuses_it if not lib.payload_lacks("*") with input as of("*")

test_payload_lacks_refuses_it_deep_inside if not lib.payload_lacks("*") with input as of([{"y": ["*"]}])

test_payload_lacks_refuses_a_missing_payload if not lib.payload_lacks("*") with input as {"action": {}}

test_payload_lacks_refuses_a_payload_of_another_type if not lib.payload_lacks("*") with input as {"action": {"payload": "a"}}

test_amount_at_most_takes_the_most if lib.amount_at_most(x, 100) with input as of(100)

test_amount_at_most_takes_nothing if lib.amount_at_most(x, 100) with input as of(0)

test_amount_at_most_takes_decimal_text if lib.amount_at_most(x, 100) with input as of("99.99")

test_amount_at_most_takes_the_most_as_text if lib.amount_at_most(x, 100) with input as of("100.00")

test_amount_at_most_refuses_a_missing_field if not lib.amount_at_most(x, 100) with input as nothing

test_amount_at_most_refuses_a_cent_more if not lib.amount_at_most(x, 100) with input as of(100.01)

test_amount_at_most_refuses_a_cent_more_as_text if not lib.amount_at_most(x, 100) with input as of("100.01")

test_amount_at_most_refuses_less_than_nothing if not lib.amount_at_most(x, 100) with input as of(-1)

test_amount_at_most_refuses_less_than_nothing_as_text if not lib.amount_at_most(x, 100) with input as of("-0.01")

test_amount_at_most_refuses_text_that_is_no_number if not lib.amount_at_most(x, 100) with input as of("1e1")

test_amount_at_most_refuses_text_with_space if not lib.amount_at_most(x, 100) with input as of(" 1")

test_amount_at_most_refuses_a_comma if not lib.amount_at_most(x, 100) with input as of("1,5")

test_amount_at_most_refuses_null if not lib.amount_at_most(x, 100) with input as of(null)

test_amount_at_most_refuses_a_list if not lib.amount_at_most(x, 100) with input as of([1])

test_amount_at_most_takes_every_digit if lib.amount_at_most(x, 9007199254740992) with input as of("9007199254740992")

test_amount_at_most_refuses_what_a_double_would_round if not lib.amount_at_most(x, 9007199254740992) with input as of("9007199254740992.1")

test_amount_at_most_refuses_a_hair_more_than_a_tenth if not lib.amount_at_most(x, 0.1) with input as of("0.100000000000000001")

test_money_at_most_takes_the_most if lib.money_at_most(x, {"amount": 100, "currency": "EUR"}) with input as of({"amount": 100, "currency": "EUR"})

test_money_at_most_takes_decimal_text if lib.money_at_most(x, {"amount": 100, "currency": "EUR"}) with input as of({"amount": "99.5", "currency": "EUR"})

test_money_at_most_refuses_a_missing_field if not lib.money_at_most(x, {"amount": 100, "currency": "EUR"}) with input as nothing

test_money_at_most_refuses_more if not lib.money_at_most(x, {"amount": 100, "currency": "EUR"}) with input as of({"amount": 100.01, "currency": "EUR"})

test_money_at_most_refuses_another_currency if not lib.money_at_most(x, {"amount": 100, "currency": "EUR"}) with input as of({"amount": 1, "currency": "USD"})

test_money_at_most_refuses_another_case if not lib.money_at_most(x, {"amount": 100, "currency": "EUR"}) with input as of({"amount": 1, "currency": "eur"})

test_money_at_most_refuses_no_currency if not lib.money_at_most(x, {"amount": 100, "currency": "EUR"}) with input as of({"amount": 1})

test_money_at_most_refuses_no_amount if not lib.money_at_most(x, {"amount": 100, "currency": "EUR"}) with input as of({"currency": "EUR"})

test_money_at_most_refuses_less_than_nothing if not lib.money_at_most(x, {"amount": 100, "currency": "EUR"}) with input as of({"amount": -1, "currency": "EUR"})

test_money_at_most_refuses_a_number if not lib.money_at_most(x, {"amount": 100, "currency": "EUR"}) with input as of(1)

test_money_at_most_takes_a_limit_as_text if lib.money_at_most(x, {"amount": "0.30", "currency": "EUR"}) with input as of({"amount": 0.3, "currency": "EUR"})

test_money_at_most_refuses_where_the_limit_is_none if not lib.money_at_most(x, {"amount": 1}) with input as of({"amount": 1, "currency": "EUR"})

test_is_reversible_takes_read if lib.is_reversible with input as by({"effect": "read"})

test_is_irreversible_refuses_read if not lib.is_irreversible with input as by({"effect": "read"})

test_is_reversible_takes_write if lib.is_reversible with input as by({"effect": "write"})

test_is_irreversible_refuses_write if not lib.is_irreversible with input as by({"effect": "write"})

test_is_reversible_refuses_irreversible if not lib.is_reversible with input as by({"effect": "irreversible"})

test_is_irreversible_takes_irreversible if lib.is_irreversible with input as by({"effect": "irreversible"})

test_is_reversible_refuses_an_unknown_tool if not lib.is_reversible with input as by({"effect": null})

test_is_irreversible_takes_an_unknown_tool if lib.is_irreversible with input as by({"effect": null})

test_is_irreversible_takes_a_missing_effect if lib.is_irreversible with input as by({})

test_has_scope_takes_a_glob if lib.has_scope("billing.read_invoice") with input as by({"agent": "billing-agent", "role": "agent", "principal": null})

test_has_scope_takes_the_role if lib.has_scope("billing.refund_payment") with input as by({"agent": "billing-agent", "role": "supervisor", "principal": null})

test_has_scope_refuses_another_role if not lib.has_scope("billing.refund_payment") with input as by({"agent": "billing-agent", "role": "agent", "principal": null})

test_has_scope_refuses_a_tool_in_no_scope if not lib.has_scope("billing.delete_customer") with input as by({"agent": "billing-agent", "role": "agent", "principal": null})

test_has_scope_refuses_another_service if not lib.has_scope("crm.read_invoice") with input as by({"agent": "billing-agent", "role": "agent", "principal": null})

test_has_scope_refuses_a_name_without_a_dot if not lib.has_scope("billing") with input as by({"agent": "billing-agent", "role": "agent", "principal": null})

test_has_scope_refuses_an_unknown_agent if not lib.has_scope("billing.read_invoice") with input as by({"agent": "other", "role": "agent"})

test_has_scope_refuses_an_action_without_an_agent if not lib.has_scope("billing.read_invoice") with input as by({})

test_has_scope_takes_a_question_mark_for_itself if lib.has_scope("b?lling.x") with input as by({"agent": "odd", "role": "agent", "principal": null})

test_has_scope_refuses_a_letter_for_a_question_mark if not lib.has_scope("billing.x") with input as by({"agent": "odd", "role": "agent", "principal": null})

test_has_scope_takes_dots_in_an_action if lib.has_scope("dots.a.b.c.z") with input as by({"agent": "odd", "role": "agent", "principal": null})

test_has_scope_refuses_a_glob_beyond_its_part if not lib.has_scope("dots.b.z") with input as by({"agent": "odd", "role": "agent", "principal": null})

test_has_scope_takes_a_principal if lib.has_scope("a.b") with input as by({"agent": "g", "role": "agent", "principal": "bo"}) with data.countersign.agents.g as {"scopes": [{"tools": ["a.*"], "roles": null, "principals": ["ana@*", "bo"]}]}

test_has_scope_takes_a_principal_of_a_glob if lib.has_scope("a.b") with input as by({"agent": "g", "role": "agent", "principal": "ana@example.com"}) with data.countersign.agents.g as {"scopes": [{"tools": ["a.*"], "roles": null, "principals": ["ana@*", "bo"]}]}

test_has_scope_refuses_another_principal if not lib.has_scope("a.b") with input as by({"agent": "g", "role": "agent", "principal": "cleo"}) with data.countersign.agents.g as {"scopes": [{"tools": ["a.*"], "roles": null, "principals": ["ana@*", "bo"]}]}

test_has_scope_refuses_nobody if not lib.has_scope("a.b") with input as by({"agent": "g", "role": "agent", "principal": null}) with data.countersign.agents.g as {"scopes": [{"tools": ["a.*"], "roles": null, "principals": ["ana@*", "bo"]}]}

test_is_owned_by_takes_the_owner if lib.is_owned_by("ana") with input as by({"agent": "billing-agent"})

test_is_owned_by_refuses_another if not lib.is_owned_by("bo") with input as by({"agent": "billing-agent"})

test_is_owned_by_refuses_anybody_without_an_owner if not lib.is_owned_by("ana") with input as by({"agent": "orphan"})

test_is_owned_by_refuses_an_unknown_agent if not lib.is_owned_by("ana") with input as by({"agent": "other"})

test_owner_has_role_takes_a_role if lib.owner_has_role("finance") with input as by({"agent": "billing-agent"})

test_owner_has_role_refuses_another if not lib.owner_has_role("fraud") with input as by({"agent": "billing-agent"})

test_owner_has_role_refuses_without_an_owner if not lib.owner_has_role("finance") with input as by({"agent": "orphan"})

test_owner_has_role_refuses_an_unknown_agent if not lib.owner_has_role("finance") with input as by({"agent": "other"})

test_attempts_at_most_takes_the_most if lib.attempts_at_most("refunds", 5) with input as {"state": {"counters": {"refunds": 5}}}

test_attempts_at_most_takes_fewer if lib.attempts_at_most("refunds", 5) with input as {"state": {"counters": {"refunds": 1}}}

test_attempts_at_most_refuses_more if not lib.attempts_at_most("refunds", 5) with input as {"state": {"counters": {"refunds": 6}}}

test_attempts_at_most_refuses_text if not lib.attempts_at_most("refunds", 5) with input as {"state": {"counters": {"refunds": "5"}}}

test_attempts_at_most_refuses_a_counter_that_is_not_there if not lib.attempts_at_most("other", 5) with input as {"state": {"counters": {"refunds": 1}}}

test_attempts_at_most_refuses_missing_state if not lib.attempts_at_most("refunds", 5) with input as {}

test_came_before_takes_it if lib.came_before("crm", "find_customer_*", 3600) with input as {"now": "2026-03-02T09:00:00.000Z", "state": {"recent": [{"service": "crm", "action": "find_customer_by_id", "verdict": "allow", "at": "2026-03-02T08:30:00.000Z"}]}}

test_came_before_takes_it_redacted if lib.came_before("crm", "find_customer_*", 3600) with input as {"now": "2026-03-02T09:00:00.000Z", "state": {"recent": [{"service": "crm", "action": "find_customer_by_id", "verdict": "redact", "at": "2026-03-02T08:30:00.000Z"}]}}

test_came_before_takes_it_at_the_very_last if lib.came_before("crm", "find_customer_*", 3600) with input as {"now": "2026-03-02T09:00:00.000Z", "state": {"recent": [{"service": "crm", "action": "find_customer_by_id", "verdict": "allow", "at": "2026-03-02T08:00:00.000Z"}]}}

test_came_before_refuses_it_a_moment_too_old if not lib.came_before("crm", "find_customer_*", 3600) with input as {"now": "2026-03-02T09:00:00.000Z", "state": {"recent": [{"service": "crm", "action": "find_customer_by_id", "verdict": "allow", "at": "2026-03-02T07:59:59.999Z"}]}}

test_came_before_refuses_it_held if not lib.came_before("crm", "find_customer_*", 3600) with input as {"now": "2026-03-02T09:00:00.000Z", "state": {"recent": [{"service": "crm", "action": "find_customer_by_id", "verdict": "hold", "at": "2026-03-02T08:30:00.000Z"}]}}

test_came_before_refuses_it_denied if not lib.came_before("crm", "find_customer_*", 3600) with input as {"now": "2026-03-02T09:00:00.000Z", "state": {"recent": [{"service": "crm", "action": "find_customer_by_id", "verdict": "deny", "at": "2026-03-02T08:30:00.000Z"}]}}

test_came_before_refuses_another_action if not lib.came_before("crm", "find_order", 3600) with input as {"now": "2026-03-02T09:00:00.000Z", "state": {"recent": [{"service": "crm", "action": "find_customer_by_id", "verdict": "allow", "at": "2026-03-02T08:30:00.000Z"}]}}

test_came_before_refuses_another_service if not lib.came_before("cr", "*", 3600) with input as {"now": "2026-03-02T09:00:00.000Z", "state": {"recent": [{"service": "crm", "action": "find_customer_by_id", "verdict": "allow", "at": "2026-03-02T08:30:00.000Z"}]}}

test_came_before_refuses_missing_state if not lib.came_before("crm", "find_customer_*", 3600) with input as {"now": "2026-03-02T09:00:00.000Z"}

test_came_before_refuses_an_empty_history if not lib.came_before("crm", "find_customer_*", 3600) with input as {"now": "2026-03-02T09:00:00.000Z", "state": {"recent": []}}

test_is_between_hours_takes_the_first_minute if lib.is_between_hours("Europe/Madrid", "08:00", "18:00") with input as at("2026-03-02T07:00:00Z")

test_is_between_hours_takes_the_last_minute if lib.is_between_hours("Europe/Madrid", "08:00", "18:00") with input as at("2026-03-02T16:59:59Z")

test_is_between_hours_refuses_the_end if not lib.is_between_hours("Europe/Madrid", "08:00", "18:00") with input as at("2026-03-02T17:00:00Z")

test_is_between_hours_refuses_the_minute_before if not lib.is_between_hours("Europe/Madrid", "08:00", "18:00") with input as at("2026-03-02T06:59:59Z")

test_is_between_hours_takes_the_hour_of_summer_time if lib.is_between_hours("Europe/Madrid", "08:00", "18:00") with input as at("2026-07-01T06:00:00Z")

test_is_between_hours_refuses_that_hour_in_winter if not lib.is_between_hours("Europe/Madrid", "08:00", "18:00") with input as at("2026-01-01T06:00:00Z")

test_is_between_hours_over_midnight_takes_before_midnight if lib.is_between_hours("UTC", "22:00", "06:00") with input as at("2026-03-02T23:00:00Z")

test_is_between_hours_over_midnight_takes_after_midnight if lib.is_between_hours("UTC", "22:00", "06:00") with input as at("2026-03-02T05:59:00Z")

test_is_between_hours_over_midnight_refuses_the_day if not lib.is_between_hours("UTC", "22:00", "06:00") with input as at("2026-03-02T06:00:00Z")

test_is_between_hours_takes_the_whole_day if lib.is_between_hours("UTC", "00:00", "24:00") with input as at("2026-03-02T23:59:59Z")

test_is_between_hours_refuses_no_time if not lib.is_between_hours("UTC", "8", "24:00") with input as at("2026-03-02T23:59:59Z")

test_is_between_hours_refuses_the_25th_hour if not lib.is_between_hours("UTC", "25:00", "24:00") with input as at("2026-03-02T23:59:59Z")

test_is_between_hours_refuses_the_60th_minute if not lib.is_between_hours("UTC", "08:60", "24:00") with input as at("2026-03-02T23:59:59Z")

test_is_between_hours_refuses_a_missing_time if not lib.is_between_hours("UTC", "00:00", "24:00") with input as {}

test_is_on_takes_the_day_there if lib.is_on("Asia/Tokyo", ["Tuesday"]) with input as at("2026-03-02T20:00:00Z")

test_is_on_refuses_the_day_elsewhere if not lib.is_on("Asia/Tokyo", ["Monday"]) with input as at("2026-03-02T20:00:00Z")

test_is_on_refuses_another_spelling if not lib.is_on("UTC", ["monday"]) with input as at("2026-03-02T20:00:00Z")

test_is_on_refuses_a_missing_time if not lib.is_on("UTC", ["Monday"]) with input as {}

test_is_users_takes_the_hosts_word if lib.is_users(x) with input as by({"role": "host", "payload": {"x": "a"}, "context": {"provenance": {"payload": {"x": "user"}}}})

test_is_users_refuses_the_agents_word if not lib.is_users(x) with input as by({"role": "agent", "payload": {"x": "a"}, "context": {"provenance": {"payload": {"x": "user"}}}})

test_is_users_refuses_another_authority if not lib.is_users(x) with input as by({"role": "host", "payload": {"x": "a"}, "context": {"provenance": {"payload": {"x": "trusted"}}}})

test_is_users_refuses_true if not lib.is_users(x) with input as by({"role": "host", "payload": {"x": "a"}, "context": {"provenance": {"payload": {"x": true}}}})

test_is_users_refuses_a_field_that_nobody_speaks_of if not lib.is_users(["action", "payload", "y"]) with input as by({"role": "host", "payload": {"y": "a"}, "context": {"provenance": {"payload": {"x": "user"}}}})

test_is_users_refuses_a_field_that_is_not_there if not lib.is_users(x) with input as by({"role": "host", "payload": {}, "context": {"provenance": {"payload": {"x": "user"}}}})

test_is_users_refuses_without_provenance if not lib.is_users(x) with input as by({"role": "host", "payload": {"x": "a"}, "context": {}})

test_is_users_takes_an_element if lib.is_users(["action", "payload", "x", 1]) with input as by({"role": "host", "payload": {"x": ["a", "b"]}, "context": {"provenance": {"payload": {"x": ["unknown", "user"]}}}})

test_is_users_refuses_a_way_that_starts_elsewhere if not lib.is_users(["state", "x"]) with input as {"action": {"role": "host", "context": {"provenance": {"x": "user"}}}, "state": {"x": 1}}

test_has_authority_takes_one_of_them if lib.has_authority(x, ["user", "trusted"]) with input as by({"role": "host", "payload": {"x": "a"}, "context": {"provenance": {"payload": {"x": "trusted"}}}})

test_has_authority_refuses_another if not lib.has_authority(x, ["user", "trusted"]) with input as by({"role": "host", "payload": {"x": "a"}, "context": {"provenance": {"payload": {"x": "untrusted"}}}})

test_has_authority_refuses_the_agents_word if not lib.has_authority(x, ["user", "trusted"]) with input as by({"role": "agent", "payload": {"x": "a"}, "context": {"provenance": {"payload": {"x": "trusted"}}}})

test_has_authority_refuses_a_word_that_is_none if not lib.has_authority(x, ["mine"]) with input as by({"role": "host", "payload": {"x": "a"}, "context": {"provenance": {"payload": {"x": "mine"}}}})
