# METADATA
# title: Where money may go
# custom:
#   on: { service: billing, action: refund_* }
#   route: payments
#   counters:
#     refunds: { per: 1h, by: [payload.user_id] }
package countersign.egress

import data.countersign.lib

deny contains {"msg": "the currency is not ours"} if not lib.in_list(["action", "payload", "currency"], ["EUR", "USD"])

hold contains {"msg": "many refunds"} if not few_refunds

few_refunds if lib.between(["state", "counters", "refunds"], 0, 10)
