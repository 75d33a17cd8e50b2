"""Pictures tried in a second, for tests: what keeps a decoder busy for long does so on fast machines, too."""

from __future__ import annotations

from harness.data.limited_child import answer_questions
from harness.data.tried_pictures import MEMORY, answer

SECONDS = 1.0

if __name__ == "__main__":
    answer_questions(answer, SECONDS, MEMORY)
