"""Several checkpoints, or several runs of one, as static pages under an overview of all of them."""
