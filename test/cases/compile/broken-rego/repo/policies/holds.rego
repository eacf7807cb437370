# METADATA
# custom:
#   route: nowhere
#   counters:
#     n: { per: 40d, by: [agnet] }
package countersign.holds

hold contains {"msg": "x"} if input.x
