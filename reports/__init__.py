"""The report: one record of a run in, one HTML page, one Markdown summary and the record itself out.

`reports.write.write_report` is the way in. Nothing here measures or judges: every number shown was in
the record.
"""
