package statements

import future.keywords.not

default calm := false

calm if not input.risky

every_positive if every n in input.numbers {
	n > 0
}

pair_sum := x + y if [x, y] := input.pair

named := name if {"name": name, "kind": "person"} = input.person

walked contains path if {
	some path, value
	walk(input.tree, [path, value])
	value == "leaf"
}

numbers := [0, -3, 1.5, 12345678901234567890, 1e100]

nothing := null

by_name := {x.name: x.id | some x in input.people}

ids := {x.id | some x in input.people}

names := [x.name | some x in input.people]

first_pair := [x, y] if {
	some x in input.numbers
	some y in input.numbers
	x + y == 10
	x < y
}

role[name] contains right if {
	some name, rights in input.roles
	some right in rights
}

settings[section][key] := value if {
	some section, key
	value := input.sections[section][key]
}

tax(n) := n * 2 if n > 10 else := n

due := tax(input.amount)

chosen := x if {
	part := input.part
	x := data.statements.parts[part].value
}

outside := data.countries[input.country].code

whole := data.statements.parts

with_input := x if x := due with input.amount as 3

with_data := x if x := outside with data.countries as {"nl": {"code": 31}}

with_mock := x if x := due with data.statements.tax as 5

with_variable := x if {
	y := input.amount
	x := due with data.statements.tax as y
}

measured := count(input.people)

quiet contains i if {
	some i, list in input.lists
	not { some x in list; x > 3 }
}
