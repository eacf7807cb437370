package nested

# Another rule may have put a value where this one fills an object.
settings[name] := value if some name, value in input.settings

settings[name][key] := 2 if some name, key in input.names
