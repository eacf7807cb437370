# METADATA
# custom:
#   mod: shadow
#   on: { servce: billing }
#   counters:
#     n: { per: 40d, by: [agnet] }
package countersign.contract

deny := true

hold contains {"msg": "x"} if input.action.agent == "a"
