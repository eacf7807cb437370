package countersign.lib.mine

f(x) := x
