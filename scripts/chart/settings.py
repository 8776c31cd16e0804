"""The settings of the service, as docs/configuration.md lists them, and what the chart makes of them.

What must stay true: a range of the page becomes the same range of the chart's schema; a range that is not known here stops
the check, so that no setting gets into the chart without one.
"""

import functools
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/configuration.md"

SLUG = "[a-z0-9_.-]{1,64}"
PORT = "[0-9]{1,5}"
EVERYWHERE = rf"(0\.0\.0\.0|\[::\]):{PORT}"
# The only folder for sockets that is there in a pod.
LOCAL = rf"((127\.0\.0\.1|\[::1\]|localhost):{PORT}|unix:/run/customer-profile/[a-z0-9_.-]+)"

# Settings that the chart derives from `secrets`, so that values cannot say them.
MANAGED = (
    "database.url",
    "database.replica_urls",
    "cache.redis_url",
    "relay.redis_url",
    "hash_secret",
    "hash_secret_file",
    "data_dir",
    "auth.jwt.jwks_file",
    "tls.cert_file",
    "tls.key_file",
    "tls.client_ca_file",
)

# Where a pod needs something else than a process on a developer's machine: default, and pattern or choice.
CHOSEN = {
    "listen.grpc": ("0.0.0.0:7401", {"type": "string", "pattern": f"^({EVERYWHERE}|{LOCAL})$"}),
    "listen.metrics": ("0.0.0.0:7402", {"type": "string", "pattern": f"^{EVERYWHERE}$"}),
    "auth.mode": ("jwt", {"type": "string", "enum": ["jwt", "mtls", "none"]}),
    "log.format": ("json", None),
}

NOTES = {
    "listen.grpc": "A loopback address or a unix socket in /run/customer-profile only beside a proxy, see `extraContainers`.",
    "listen.metrics": "Needed here: probes ask it. `[::]:7402` in clusters of IPv6 alone.",
    "auth.mode": "`none` only beside a proxy that knows callers, see `extraContainers`.",
}


def words(text):
    """A pattern of a list of such words, between commas."""
    return {"type": "string", "pattern": rf"^\s*(({text})(\s*,\s*({text}))*)?\s*$"}


def one_of(*words_):
    return {"type": "string", "enum": list(words_)}


def text(pattern=None, **more):
    return {"type": "string", **({"pattern": pattern} if pattern else {}), **more}


FACTS = "identifiers|traits|orders|tickets|surveys|consents|timeline|texts|attributes|sentiment"
PERMISSIONS = "record|read|read_identifiers|read_text|steward|decide|administer"

# What stands under "range" on the page, as JSON Schema. Patterns keep to what both Go and Python understand.
FORMS = {
    "address:port, or unix:/path": text(),
    "address:port, or empty": text(),
    "a slug of at most 64 bytes": text(rf"^[a-z0-9][a-z0-9_.-]{{0,63}}$"),
    "origins such as https://desk.example.com, between commas": words(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?"),
    "http://host:port, or empty": text(r"^(http://[^/\s]+/?)?$"),
    "http://host:port, https://host:port, or empty": text(r"^(https?://[^/@\s]+/?)?$"),
    "1 to 128 bytes": text(minLength=1, maxLength=128),
    "text or json": one_of("text", "json"),
    "directives such as info,customer_profile=debug": text(r"^\S+$"),
    "of identifiers, traits, orders, tickets, surveys, consents, timeline, texts, attributes and sentiment, between commas":
        words(FACTS),
    "names between commas": words(SLUG),
    "an ISO 3166 country of two capital letters such as JP": text("^[A-Z]{2}$"),
    "an IANA zone such as Asia/Tokyo": text("^[A-Za-z][A-Za-z0-9_+/-]*$"),
    "ja, en or und (none)": one_of("ja", "en", "und"),
    "terms between commas": text(minLength=1),
    "a rule": text(minLength=1),
    "such as `limit 3, hub 5, newest, priority 2, block guest`": text(minLength=1),
    "none, jwt or mtls": one_of("none", "jwt", "mtls"),
    "text": text(),
    "the name of a claim, 1 to 128 bytes": text(minLength=1, maxLength=128),
    "spiffe://domain/path or dns:name": text(r"^(spiffe://[^/*\s]+/[^*\s]+|dns:[^*\s]+)$"),
    "tenants with commas between them": text(rf"^\s*({SLUG})(\s*,\s*({SLUG}))*\s*$"),
    "permissions with commas between them": words(PERMISSIONS),
    "a slug": text(f"^({SLUG})?$"),
}


class Setting:
    """A row of the page."""

    def __init__(self, cells):
        self.key, default, self.unit, self.range, self.variable, self.meaning = cells
        self.default = "" if not default.startswith("`") else default.strip("`")
        self.named = "<" in self.key

    def form(self):
        """What its value may be."""
        if self.key in CHOSEN and CHOSEN[self.key][1]:
            return dict(CHOSEN[self.key][1])
        if self.range == "0 to 1":
            return {"type": "number", "minimum": 0, "maximum": 1}
        whole = re.fullmatch(r"(\d+) to (\d+)", self.range)
        if whole:
            return {"type": "integer", "minimum": int(whole[1]), "maximum": int(whole[2])}
        if self.range not in FORMS:
            raise SystemExit(f"{self.key}: nobody knows how to check the range {self.range!r}; tell FORMS in {__file__}")
        return dict(FORMS[self.range])

    def value(self):
        """Its default in the chart."""
        if self.key in CHOSEN:
            return CHOSEN[self.key][0]
        kind = self.form()["type"]
        return {"integer": int, "number": lambda said: float(said) if "." in said else int(said)}.get(kind, str)(self.default)

    def description(self):
        said = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", self.meaning)
        return " ".join(filter(None, [said, NOTES.get(self.key)]))


@functools.cache
def settings():
    """Every setting of the page, in its order."""
    found = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("| `") else []
        # A row has a variable; the tables further down have none.
        if len(cells) == 6 and cells[4].startswith("`CUSTOMER_PROFILE_"):
            cells = [cells[0].strip("`"), *cells[1:4], cells[4].strip("`"), cells[5]]
            found.append(Setting(cells))
    if len(found) < 40:
        raise SystemExit(f"only {len(found)} settings found in {PAGE}: has its table another form now?")
    return found


def schema():
    """JSON Schema of `config`, with defaults and descriptions."""
    root = {"type": "object", "additionalProperties": False, "properties": {}}
    root["description"] = "Settings of the service; each is described in docs/configuration.md."
    for setting in settings():
        if setting.key in MANAGED:
            continue
        node, under_name = root, False
        parts = setting.key.split(".")
        for part in parts[:-1]:
            node = step(node, part)
            under_name = under_name or part.startswith("<")
        leaf = setting.form() | {"description": setting.description()}
        if setting.unit:
            leaf["x-unit"] = setting.unit
        if parts[-1].startswith("<"):
            node.setdefault("patternProperties", {})[f"^{SLUG}$"] = leaf
            node.setdefault("default", {})
            node["description"] = leaf.pop("description")
            continue
        if not under_name:
            leaf["default"] = setting.value()
        node["properties"][parts[-1]] = leaf
    describe(root)
    return root


def describe(node):
    """Says of a map what each of its names may have."""
    for name, part in node.get("properties", {}).items():
        describe(part)
        for inner in part.get("patternProperties", {}).values():
            described = ", ".join(f"`{key}`" for key in inner.get("properties", {}))
            part.setdefault("description", f"By name of the {name.rstrip('s')}: {described}.")


def step(node, part):
    """The schema below a level of a key."""
    fresh = {"type": "object", "additionalProperties": False, "properties": {}}
    if part.startswith("<"):
        node["default"] = {}
        return node.setdefault("patternProperties", {}).setdefault(f"^{SLUG}$", fresh)
    return node["properties"].setdefault(part, fresh)
