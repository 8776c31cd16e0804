"""What is written from something else: `config` in values.schema.json from docs/configuration.md, values.yaml and the table
of the chart's README from values.schema.json, dashboards from dashboards.py. So none can drift from the other.
"""

import json
import textwrap

import dashboards
import settings

CHART = settings.ROOT / "helm/customer-profile"
SCHEMA = CHART / "values.schema.json"
VALUES = CHART / "values.yaml"
README = CHART / "README.md"
BEGIN, END = "<!-- values: written by scripts/check-chart.sh --write -->", "<!-- end of values -->"
WIDTH = 118


def text_of(schema):
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def branch(node):
    """Whether values.yaml goes into it: it has parts, and is not said as a whole."""
    return "properties" in node and "default" not in node


def default(node):
    if branch(node):
        return {name: default(part) for name, part in node["properties"].items()}
    return node["default"]


def limits(node):
    """Unit and range, as people read them."""
    unit = f" {node['x-unit']}" if "x-unit" in node else ""
    if "enum" in node:
        return " or ".join(filter(None, [", ".join(node["enum"][:-1]), node["enum"][-1]]))
    if "minimum" in node:
        return f"{node['minimum']} to {node['maximum']}{unit}"
    return ""


def comment(node, indent):
    said = node.get("description", "")
    if not branch(node) and limits(node):
        said += f" ({limits(node)})"
    return textwrap.wrap(said, WIDTH - len(indent) - 2) if said else []


def inline(value):
    """A value on one line, or YAML's block form of lists and maps with something in them."""
    if value is None:
        return "null"
    return json.dumps(value, ensure_ascii=False)


def lines_of(node, indent=""):
    lines = []
    for name, part in node["properties"].items():
        top = not indent
        if top and lines:
            lines.append("")
        lines += [f"{indent}# {line}" for line in comment(part, indent)]
        if branch(part):
            lines.append(f"{indent}{name}:")
            lines += lines_of(part, indent + "  ")
        else:
            lines.append(f"{indent}{name}: {inline(part['default'])}")
    return lines


def values(schema):
    head = [
        "# Values of the chart. Written from values.schema.json by scripts/check-chart.sh --write: change them there.",
        "# What has to be said: image.repository, secrets.database, secrets.hashSecret, and what config.auth.mode needs; see README.md.",
        "",
    ]
    return "\n".join(head + lines_of(schema)) + "\n"


def rows(node, prefix=""):
    for name, part in node["properties"].items():
        key = prefix + name
        if branch(part):
            yield from rows(part, key + ".")
        else:
            said = limits(part)
            description = part["description"].replace("|", "\\|") + (f" ({said})" if said else "")
            yield f"| `{key}` | `{inline(part['default'])}` | {description} |"


def table(schema):
    return "\n".join(["| value | default | meaning |", "|---|---|---|", *rows(schema)])


def wanted():
    """Every written file with the text that it should have."""
    schema = json.loads(SCHEMA.read_text())
    schema["properties"]["config"] = settings.schema()
    readme = README.read_text()
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    files = {
        SCHEMA: text_of(schema),
        VALUES: values(schema),
        README: f"{before}{BEGIN}\n\n{table(schema)}\n\n{END}{after}",
    }
    for name, board in dashboards.boards():
        files[CHART / "files/dashboards" / f"{name}.json"] = text_of(board)
    return files


def write():
    for path, text in wanted().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def stale():
    """Files that are not what they should be."""
    return [str(path.relative_to(settings.ROOT)) for path, text in wanted().items() if not path.exists() or path.read_text() != text]
