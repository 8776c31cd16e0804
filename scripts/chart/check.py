"""Everything that is checked of the chart; scripts/check-chart.sh runs it. Says all that is wrong, then how much was right."""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import jsonschema
import kubernetes_validate
import kubernetes_validate.utils
import yaml

import expressions
import faults
import manifests
import matrix
import refused
import render
import settings
import written

# The oldest that the chart takes, the one that has a preStop sleep, the newest that there are schemas of.
KUBES = ("1.27.0", "1.31.0", "1.37.0")
CUSTOM = json.loads((settings.ROOT / "scripts/chart/custom_resources.json").read_text())
# It reads its schemas, megabytes of JSON, anew for every manifest; read once they are two orders of magnitude faster.
for slow in ("schema_contents", "all_versions"):
    setattr(kubernetes_validate.utils, slow, functools.cache(getattr(kubernetes_validate.utils, slow)))
PROMTOOL = shutil.which("promtool")


class Validator:
    """Validates manifests, each distinct one once: render.parsed keeps them all."""

    def __init__(self):
        self.known = {}

    def fault(self, manifest, kube):
        if manifest["kind"] in CUSTOM:
            kube = "any"
        key = (kube, id(manifest))
        if key not in self.known:
            self.known[key] = self.look(manifest, kube)
        return self.known[key]

    @staticmethod
    def look(manifest, kube):
        try:
            if manifest["kind"] in CUSTOM:
                jsonschema.validate(manifest, CUSTOM[manifest["kind"]])
            else:
                kubernetes_validate.validate(manifest, kube, strict=True)
        except (kubernetes_validate.ValidationError, jsonschema.ValidationError) as error:
            return f"{manifest['kind']} {manifest['metadata']['name']}: {error.message}"
        return None


def faults_of(rendered, kube, validator):
    """What is wrong with a rendering."""
    rendering = manifests.Rendering(rendered)
    found = [fault for fault in (validator.fault(manifest, kube) for manifest in rendered) if fault]
    for manifest in rendering.of("ConfigMap"):
        for line in manifest["data"].get("customer-profile.toml", "").splitlines():
            if re.search(r"= -?[0-9.]+e\+", line):
                found.append(f"{line}: must be written as a whole number")
    return found + rendering.check() + unknown(rendering)


def unknown(rendering):
    """Settings that a rendering says and that docs/configuration.md does not have."""
    return [f"{key} is no setting" for key in rendering.settings() if not is_setting(key)]


@functools.cache
def is_setting(key):
    return any(fits(key, known.key) for known in settings.settings())


def fits(key, known):
    said, wanted = re.split(r"(?<!\.)\.(?!\.)", key), known.split(".")
    return len(said) == len(wanted) and all(w.startswith("<") or w == s for s, w in zip(said, wanted))


def check_written():
    return [f"{path} is not what follows from its source: scripts/check-chart.sh --write" for path in written.stale()]


def schema_of_values():
    schema = json.loads(written.SCHEMA.read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    return schema


def check_values(schema):
    """Right values are taken and wrong ones refused; by the schema, or by the templates."""
    validator, defaults = jsonschema.Draft7Validator(schema), yaml.safe_load(written.VALUES.read_text())
    found, count = [], 0
    for what, values, right in refused.values():
        count += 1
        error = next(validator.iter_errors(matrix.laid(defaults, values)), None)
        if right and error:
            found.append(f"{what} is refused: {error.message}")
        elif not right and not error:
            found.append(f"{what} is taken")
    for values, words in refused.CONTRADICTIONS:
        count += 1
        try:
            render.render(matrix.over(matrix.plain(), values))
            found.append(f"{values} renders")
        except render.Refused as reason:
            if words not in str(reason):
                found.append(f"{values} is refused for another reason: {reason}")
    if any(validator.iter_errors(defaults)) is False:
        found.append("values.yaml alone is taken, although it names no secret")
    return found, count


def check_matrix(schema):
    """Every combination renders and is valid."""
    validator, defaults = Validator(), yaml.safe_load(written.VALUES.read_text())
    values_of = jsonschema.Draft7Validator(schema)
    wanted = [(name, values, "1.31.0") for name, values in matrix.combinations()]
    wanted += [(name, values, kube) for name, values in matrix.combinations() for kube in KUBES
               if kube != "1.31.0" and "/closed/watched/migrated/" in name]
    wanted += [(name, values, "1.31.0") for name, values in matrix.single(schema)]
    found, said, rules = [], set(), {}

    def rendered(one):
        name, values, kube = one
        error = next(values_of.iter_errors(matrix.laid(defaults, values)), None)
        if error:
            return one, None, f"is refused: {error.message}"
        try:
            return one, render.manifests(values, kube), None
        except render.Refused as reason:
            return one, None, f"does not render: {reason}"

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for (name, values, kube), rendering, fault in pool.map(rendered, wanted):
            if fault:
                found.append(f"{name} for {kube}: {fault}")
                continue
            found += [f"{name} for {kube}: {fault}" for fault in faults_of(rendering, kube, validator)]
            whole = manifests.Rendering(rendering)
            said |= whole.settings()
            for rule in whole.of("PrometheusRule"):
                rules[json.dumps(rule["spec"], sort_keys=True)] = (matrix.laid(defaults, values), rule["spec"])
    missing = [setting.key for setting in settings.settings() if not any(fits(key, setting.key) for key in said)]
    # A secret's value is never in the configuration, and nothing is kept beside an external database.
    if sorted(missing) != ["data_dir", "hash_secret"]:
        found.append(f"settings that no rendering says: {missing}")
    for values, spec in rules.values():
        found += narrowed(values, spec)
    return found, len(wanted), len(validator.known), [spec for _, spec in rules.values()]


def narrowed(values, spec):
    """The rules of a release are about that release, with its limits."""
    text = json.dumps(spec)
    limit = f"0.9 * {values['config']['database']['connections']}"
    found = [] if f"{limit}\\n" in text else [f"the rules lack {limit}"]
    if "=~\\\".+\\\"" in text or 'namespace=\\"customers\\",job=\\"profiles-customer-profile-metrics\\"' not in text:
        found.append("the rules are not narrowed to their release")
    for name in values["prometheusRule"]["disabled"]:
        if name in text:
            found.append(f"{name} is not left out")
    return found


def check_examples(schema):
    """The examples beside the chart, and the notes of each."""
    found, defaults = [], yaml.safe_load(written.VALUES.read_text())
    paths = sorted((render.CHART / "ci").glob("*.yaml"))
    for path in paths:
        values = yaml.safe_load(path.read_text())
        for error in jsonschema.Draft7Validator(schema).iter_errors(matrix.laid(defaults, values)):
            found.append(f"{path.name}: {error.message}")
        if "dns:///profiles-customer-profile.customers.svc:7401" not in render.render(values, notes=True):
            found.append(f"{path.name}: the notes do not say where to call")
    return found + ([] if len(paths) > 1 else ["no examples"])


def promtool(*arguments):
    done = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True)
    return [] if done.returncode == 0 else [f"promtool {' '.join(arguments[:2])}: {done.stdout}{done.stderr}"]


def check_rules(rendered):
    """The rules as they are and as they are rendered, and the expressions of the dashboards."""
    found = promtool("check", "rules", str(expressions.ALERTS))
    with tempfile.TemporaryDirectory() as folder:
        for number, text in enumerate([*(yaml.safe_dump(spec) for spec in rendered), expressions.as_rules()]):
            path = os.path.join(folder, f"{number}.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            found += promtool("check", "rules", path)
    return found


def check_faults():
    validator = Validator()
    # All axes at their ends, so that every template says something.
    asked = [values for name, values in matrix.combinations()
             if name in ("jwt/scaled/closed/watched/migrated/everything", "jwt-tls/scaled/closed/watched/migrated/plain")]

    def find(chart):
        return [fault for values in asked for fault in faults_of(render.manifests(values, chart=chart), "1.31.0", validator)]

    before = find(render.CHART)
    return before or faults.check(find), len(faults.FAULTS)


def once(found):
    """Faults of many renderings, each once."""
    first = {}
    for fault in found:
        where, known, what = fault.partition(": ")
        first.setdefault(what if known else fault, []).append(fault)
    return [faults[0] + (f" (and {len(faults) - 1} more)" if len(faults) > 1 else "") for faults in first.values()]


def main():
    if sys.argv[1:] == ["--write"]:
        written.write()
        return
    print(f"chart: rendered with {os.path.basename(render.renderer())}")
    with ThreadPoolExecutor(1) as beside:
        # The longest of all, and on a core of its own.
        tested = [beside.submit(promtool, "test", "rules", str(path)) for path in expressions.TESTS if PROMTOOL]
        found, said = check_all()
        found += [fault for test in tested for fault in test.result()]
    for fault in once(found)[:50]:
        print(f"chart: {fault}", file=sys.stderr)
    if found:
        raise SystemExit(f"chart: {len(found)} faults")
    print("\n".join(f"chart: {line}" for line in said))


def check_all():
    """Everything but the tests of the alerts: what is wrong, and how much was right."""
    found = check_written()
    schema = schema_of_values()
    wrong, values = check_values(schema)
    found += wrong + check_examples(schema)
    wrong, renderings, distinct, rules = check_matrix(schema)
    found += wrong
    wrong, alerts, panels = expressions.check()
    found += wrong
    wrong, spoilt = check_faults()
    found += wrong
    if PROMTOOL:
        found += check_rules(rules)
    said = [
        f"{renderings} renderings valid for Kubernetes {', '.join(KUBES)} ({distinct} distinct manifests)",
        f"{values} values taken or refused as they should be, {spoilt} spoilt charts noticed",
        f"{alerts} alerts and {panels} expressions of dashboards fit docs/metrics.md",
    ]
    if PROMTOOL:
        said.append(f"rules and their tests pass under promtool ({len(rules)} as rendered)")
    return found, said


if __name__ == "__main__":
    main()
