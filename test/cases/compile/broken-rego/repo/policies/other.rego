package other

deny contains {"msg": "x"} if true
