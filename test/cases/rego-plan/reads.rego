package reads

# All of a place counts as read where it is passed to a built-in or becomes part of a value.
deny contains msg if {
	input.action.payload.amount > data.limits[input.action.service].amount
	msg := concat(" ", [input.agent.name, "is over"])
}

# Only what the function looks at counts as read of its argument.
amount(action) := action.payload.amount

over if amount(input.action) > 3

ids contains item.id if some item in input.items

nested contains cell.value if {
	some row in input.rows
	some cell in row.cells
}

dynamic := input.labels[input.key]

# Under a `with` it is another document that is read.
replaced := x if x := over with input as {"action": {"payload": {"amount": 4}}}

partly := x if x := over with input.action.payload as input.other

quoted := input["a.b"]["*"]

last := value if {
	value := [v | some v in input.values][count(input.values) - 1]
}

constant := upper("a")

from_data := data.names

either := input.left

either := input.right if not input.left
