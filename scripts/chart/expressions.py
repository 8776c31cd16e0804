"""What alerts and dashboards ask for: metrics and labels that docs/metrics.md has, alerts that docs/alerts.md describes."""

import json
import re

import yaml

import dashboards
import settings
from render import CHART

ALERTS = CHART / "files/alerts.yaml"
TESTS = sorted((settings.ROOT / "helm/tests").glob("*_test.yaml"))
PAGE = settings.ROOT / "docs/alerts.md"
METRICS = settings.ROOT / "docs/metrics.md"

# Labels that whoever scrapes adds.
SCRAPED = {"namespace", "job", "instance", "pod", "le"}


def catalogue():
    """Every series of docs/metrics.md with its labels."""
    series = {}
    for line in METRICS.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| `customer_profile_"):
            continue
        name, kind = cells[0].strip("`"), cells[1]
        labels = set(re.findall("`([a-z_]+)`", cells[3])) | SCRAPED
        ends = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        series |= {name + end: labels for end in ends}
    if len(series) < 40:
        raise SystemExit(f"only {len(series)} series found in {METRICS}: has its table another form now?")
    return series


def faults_of(where, expression, known):
    """What an expression asks for that is not there."""
    faults = []
    for name, selector in re.findall(r"\b(customer_profile[a-z0-9_:]*)(\{[^}]*\})?", expression):
        if name not in known:
            faults.append(f"{where}: {name} is no metric")
            continue
        for label in re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", selector):
            if label not in known[name]:
                faults.append(f"{where}: {name} has no label {label}")
    every = set().union(*known.values())
    for labels in re.findall(r"\bby\s*\(([^)]*)\)", expression):
        for label in filter(None, re.split(r"[,\s]+", labels)):
            if label not in every:
                faults.append(f"{where}: nothing has the label {label}")
    return faults


def rules():
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        yield from group["rules"]


def boards():
    """The expressions of the dashboards, as they are in the files."""
    for path in sorted((CHART / "files/dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", []):
                yield f"{path.name}, {panel['title']}", target["expr"]


def as_rules():
    """The expressions of the dashboards as a rule file, for promtool to read."""
    asked = [expression.replace(dashboards.SELECT, 'job="x"').replace(dashboards.RATE, "5m") for _, expression in boards()]
    rules_ = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(asked)]
    return yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules_}]})


def check():
    known = catalogue()
    ratios = {rule["record"]: SCRAPED for rule in rules() if "record" in rule}
    used, faults = set(), []
    for rule in rules():
        name = rule.get("alert") or rule["record"]
        faults += faults_of(name, rule["expr"], known | ratios)
        for part in re.findall(r"\bcustomer_profile[a-z0-9_:]*(?:\{[^}]*\})?", rule["expr"]):
            used.add(part.split("{")[0])
            if 'job=~".+"' not in part:
                faults.append(f'{name}: {part} lacks job=~".+", by which the chart narrows it to its release')
    for where, expression in boards():
        faults += faults_of(where, expression, known | ratios)
        used |= set(re.findall(r"\bcustomer_profile[a-z0-9_:]*", expression))
    for name in sorted(ratios.keys() - used):
        faults.append(f"{name} is recorded and not used")
    # A metric that is nowhere shown is one that nobody will find at night.
    shown = {re.sub("_(bucket|sum|count)$", "", name) for name in used}
    for name in sorted({re.sub("_(bucket|sum|count)$", "", name) for name in known} - shown):
        faults.append(f"{name} is on no dashboard and in no alert")
    alerts = {rule["alert"] for rule in rules() if "alert" in rule}
    described = set(re.findall(r"^## (CustomerProfile\w+)$", PAGE.read_text(), re.MULTILINE))
    for name in sorted(alerts ^ described):
        faults.append(f"{name} is {'not described in' if name in alerts else 'no alert, but in'} docs/alerts.md")
    fired, quiet = set(), set()
    for test in (test for path in TESTS for test in yaml.safe_load(path.read_text())["tests"]):
        for case in test.get("alert_rule_test", []):
            (fired if case.get("exp_alerts") else quiet).add(case["alertname"])
    for name in sorted(alerts - fired):
        faults.append(f"{name} never fires in its tests")
    for name in sorted(alerts - quiet):
        faults.append(f"{name} is never quiet in its tests")
    return faults, len(alerts), len(list(boards()))
