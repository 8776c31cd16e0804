"""Renders the chart: with Helm where it is installed, else with scripts/chart-render."""

import functools
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import yaml

import settings

CHART = settings.ROOT / "helm/customer-profile"
OWN = settings.ROOT / "scripts/chart-render/render"
HELM = shutil.which("helm")
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Refused(Exception):
    """The chart does not render."""


def renderer():
    return HELM or str(OWN)


def render(values, kube="1.31.0", chart=CHART, notes=False):
    """The text of the manifests, or of the notes."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(values, file)
        file.flush()
        if HELM:
            # Notes are shown by an installation alone, which --dry-run pretends.
            command = [HELM, "install", "--dry-run"] if notes else [HELM, "template"]
            command += ["profiles", str(chart), "--namespace", "customers", "--values", file.name]
            command += [] if notes else ["--kube-version", kube]
        else:
            command = [str(OWN), "--namespace", "customers", "--kube-version", kube, *(["--notes"] if notes else []),
                       "profiles", str(chart), file.name]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Refused(done.stderr.strip())
    return done.stdout


@functools.cache
def parsed(text):
    """A manifest; equal texts give the same object, which nobody changes."""
    return yaml.load(text, Loader)


def manifests(values, kube="1.31.0", chart=CHART):
    texts = re.split("^---$", render(values, kube, chart), flags=re.MULTILINE)
    return [manifest for manifest in map(parsed, texts) if manifest]


def copy_of_chart(folder):
    """A copy of the chart that may be spoilt."""
    return Path(shutil.copytree(CHART, Path(folder) / "customer-profile"))
