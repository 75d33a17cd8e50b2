#!/usr/bin/env bash
# The action's one step: the suite in an environment of its own, then the findings; summary, JUnit file, report.
set -euo pipefail

suite=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
workspace=${GITHUB_WORKSPACE:-$PWD}

# A path in the workspace becomes absolute: pytest runs inside the suite. Names and hub ids stay as they are.
within() { if [ -e "$workspace/$1" ]; then echo "$workspace/$1"; else echo "$1"; fi; }

words=("--checkpoint=$(within "${CHECKPOINT:-embedded}")")
[ -z "${DATASET:-}" ] || words+=("--dataset=$(within "$DATASET")")
[ -z "${IMAGES:-}" ] || words+=("--images=$(within "$IMAGES")")
[ -z "${BASELINE:-}" ] || words+=("--baseline=$(within "$BASELINE")")
[ -z "${SAMPLES:-}" ] || words+=("--samples=$SAMPLES")
[ "${GPU:-false}" != true ] || words+=("-m" "gpu")
words+=("--evidence=$workspace/${EVIDENCE:-.evidence}" "--report=$workspace/${REPORT:-findings-report}")
words+=("--junitxml=$workspace/${REPORT:-findings-report}/junit.xml")
read -r -a more <<<"${ARGUMENTS:-}"

if [ -z "${FINDINGS_PYTHON:-}" ]; then
    environment=${RUNNER_TEMP:-$(mktemp -d)}/findings
    python3 -m venv "$environment"
    FINDINGS_PYTHON=$environment/bin/python
    constraints=(-c "$suite/constraints.txt")
    [ "${GPU:-false}" != true ] || constraints=()  # the pinned torch is a CPU build
    "$FINDINGS_PYTHON" -m pip install --quiet "${constraints[@]}" -e "$suite"
fi

cd "$suite"
exec "$FINDINGS_PYTHON" -m pytest findings "${words[@]}" "${more[@]}"
