#!/usr/bin/env bash
# Checks the Helm chart: renders a matrix of values with Helm, or where it is missing with scripts/chart-render, validates the
# manifests against the schemas of Kubernetes, tries values that have to be refused, and tests the alerts with promtool.
#
#   scripts/check-chart.sh            prints SKIPPED and what is missing when something is; with CI=true that fails
#   scripts/check-chart.sh --write    writes what follows from docs/configuration.md, docs/metrics.md and the schema
#
# scripts/setup.sh --chart brings what it needs. It looks at files alone: no cluster, no network, no build of the service.
set -euo pipefail
cd "$(dirname "$0")/.."

python=target/tools/chart/bin/python
missing=()
have() { command -v "$1" >/dev/null 2>&1; }

if [ ! -x "$python" ] || ! cmp -s scripts/chart/requirements.txt target/tools/chart/installed.txt; then
    missing+=("the packages of scripts/chart/requirements.txt")
fi
if ! have helm && { ! have go || [ ! -d /usr/share/gocode/src/github.com/Masterminds/sprig ]; }; then
    missing+=("helm, or Go with sprig")
fi
have promtool || missing+=("promtool")

if [ "${#missing[@]}" -gt 0 ]; then
    printf 'SKIPPED: checks of the chart that need %s (scripts/setup.sh --chart)\n' "${missing[@]}"
    if [ "${CI:-}" = true ]; then exit 1; fi
fi
# Without promtool everything else is checked; without the others nothing can be.
if [ "${#missing[@]}" -gt 1 ] || { [ "${#missing[@]}" = 1 ] && [ "${missing[0]}" != promtool ]; }; then exit 0; fi
PYTHONDONTWRITEBYTECODE=1 exec "$python" scripts/chart/check.py "$@"
