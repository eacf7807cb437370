package statements.parts

main.value := 1 if input.part

other.value := 2
