"""Every plan worked out a second time, from the pharmacy's rules alone.

Plain integers, counted in nanograms and nanolitres. Nothing here imports anything of the first path: no Pint, no
`quantities`, no `calc`, not even `fractions`; only the standard library and `problems`. Its first author had not
read the first path; powders and dilutions were added by one who had. Two programs may share a mistake in the rules in
either case, so a third witness, the mass balance, judges the plan by another equation.

    ratio       one exact number
    reading     text to number
    inputs      what it is told: the order, the bench, and what the plan chose
    content     active in one mass of tablets, or of a powder by its certificate
    dilution    what is too little to weigh, diluted as the plan chose
    recompute   an order and its materials to every number of a plan
    balance     the mass balance of a plan
    compare     those numbers against a plan: the door to all of this
"""
