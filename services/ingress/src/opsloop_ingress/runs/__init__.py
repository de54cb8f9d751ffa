"""The page of a run, behind a signed link: its state, steps, log and results, for whoever was given the link.

`reading` fetches what the broker has, `run` makes of it what is shown, `page` writes it, `live` follows it, `website`
answers HTTP. Nothing here changes a run.
"""
