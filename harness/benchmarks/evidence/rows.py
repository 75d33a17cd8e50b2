"""Read a large store and judge every claim on it."""


def report(rows: int) -> str:
    return ""
