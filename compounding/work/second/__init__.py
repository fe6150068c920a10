"""Every plan worked out a second time, from the pharmacy's rules alone.

Plain integers, counted in nanograms and nanolitres. Nothing here imports anything of the first path: no Pint, no
`quantities`, no `calc`, not even `fractions`; only the standard library and `problems`. Its author wrote it before
reading the first path. Two programs may still share a mistake in the rules, so a third witness, the mass balance,
judges the plan by another equation.

    ratio       one exact number
    reading     text to number
    recompute   an order and its materials to every number of a plan
    balance     the mass balance of a plan
    compare     those numbers against a plan: the door to all of this
"""
