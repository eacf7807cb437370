package countersign.egress_test

import data.countersign.egress

test_deny_missing_currency if count(egress.deny) == 1 with input as {"action": {"payload": {}}}
