"""Files as somebody who ran the authors' release has them, of a made-up model whose stages are known."""
