package countersign.agents

deny contains {"msg": "x"} if input.x
