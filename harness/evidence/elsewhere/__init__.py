"""Evidence that somebody else measured: read from their tables, checked, and kept apart from our own.

Files come in by `tables`, in the release's format (`released`) or as one long table (`plain`). `checks` says
what is wrong, with file and line. What passes becomes an *import* (`imports`): a folder of its own, with rows
of the schema that evidence has here, named by its content. No run writes into it or measures what it lacks.
"""
