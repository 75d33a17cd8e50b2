"""The one place where the suite's three plugins are put together."""

pytest_plugins = ["harness.plugin", "fixtures.plugin", "reports.plugin"]
