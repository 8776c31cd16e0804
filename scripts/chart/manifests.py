"""What the schemas of Kubernetes do not say, and what has to hold of every rendering all the same."""

import functools
import re
import tomllib

import settings

HEALTH = settings.ROOT / "src/app/health.rs"
FILES = "/etc/customer-profile/"


@functools.cache
def health_names():
    """The names that the health service knows."""
    return frozenset(re.findall(r'"(customer_profile\.v1\.[A-Za-z]+)"', HEALTH.read_text())) | {""}


class Rendering:
    """The manifests of one rendering."""

    def __init__(self, manifests):
        self.manifests = manifests
        self.faults = []

    def of(self, kind):
        return [manifest for manifest in self.manifests if manifest["kind"] == kind]

    def wrong(self, manifest, text):
        self.faults.append(f"{manifest['kind']} {manifest['metadata']['name']}: {text}")

    def check(self):
        """Every fault there is."""
        seen = set()
        for manifest in self.manifests:
            name = (manifest["kind"], manifest["metadata"]["name"])
            if name in seen:
                self.wrong(manifest, "is there twice")
            seen.add(name)
            self.check_names(manifest)
        for manifest, pod, labels in self.pods():
            self.check_security(manifest, pod)
            self.check_volumes(manifest, pod)
            self.check_account(manifest, pod)
        self.check_selectors()
        self.check_scaling()
        self.check_probes()
        self.check_configuration()
        if self.of("Secret"):
            self.wrong(self.of("Secret")[0], "the chart holds no secret")
        return self.faults

    def pods(self):
        """Each manifest with pods, its pod's spec, and the pod's labels."""
        for manifest in self.manifests:
            if manifest["kind"] == "Pod":
                yield manifest, manifest["spec"], manifest["metadata"]["labels"]
            elif manifest["kind"] in ("Deployment", "Job"):
                template = manifest["spec"]["template"]
                yield manifest, template["spec"], template["metadata"]["labels"]

    def check_names(self, manifest):
        metadata = manifest["metadata"]
        if not re.fullmatch("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", metadata["name"]):
            self.wrong(manifest, "has no name that a label could hold")
        if "namespace" not in metadata:
            self.wrong(manifest, "says no namespace")
        for key, value in metadata["labels"].items():
            if not re.fullmatch("([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", value):
                self.wrong(manifest, f"the label {key} cannot be {value!r}")

    def check_security(self, manifest, pod):
        """The restricted Pod Security Standard, and a root that nothing writes to."""
        whole = pod["securityContext"]
        if pod.get("automountServiceAccountToken") is not False or pod.get("enableServiceLinks") is not False:
            self.wrong(manifest, "its pod gets a token or variables of Services")
        if whole.get("runAsNonRoot") is not True or whole.get("seccompProfile") != {"type": "RuntimeDefault"}:
            self.wrong(manifest, "its pod is not restricted")
        if any(key in pod for key in ("hostNetwork", "hostPID", "hostIPC")) or whole.get("runAsUser") == 0:
            self.wrong(manifest, "its pod is not restricted")
        for container in pod["containers"]:
            own = container.get("securityContext", {})
            wanted = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "runAsNonRoot": True}
            if any(own.get(key) is not value for key, value in wanted.items()) or own.get("capabilities") != {"drop": ["ALL"]}:
                self.wrong(manifest, f"{container['name']} is not restricted")
            if "memory" not in container["resources"].get("limits", {}):
                self.wrong(manifest, f"{container['name']} has no limit of memory")

    def check_volumes(self, manifest, pod):
        volumes = {volume["name"] for volume in pod.get("volumes", [])}
        mounted = set()
        for container in pod["containers"]:
            for mount in container.get("volumeMounts", []):
                mounted.add(mount["name"])
                if "subPath" in mount:
                    self.wrong(manifest, f"{mount['name']} is mounted by subPath and would never be brought up to date")
        if volumes != mounted:
            self.wrong(manifest, f"volumes are {sorted(volumes)}, mounts are of {sorted(mounted)}")

    def check_account(self, manifest, pod):
        """A hook runs before what is no hook is there."""
        hook = manifest["metadata"].get("annotations", {}).get("helm.sh/hook", "")
        if not hook.startswith("pre-"):
            return
        weight = int(manifest["metadata"]["annotations"]["helm.sh/hook-weight"])
        needed = [("ServiceAccount", pod["serviceAccountName"])]
        needed += [("ConfigMap", volume["configMap"]["name"]) for volume in pod["volumes"] if "configMap" in volume]
        for kind, name in needed:
            for other in self.of(kind):
                notes = other["metadata"].get("annotations", {})
                if other["metadata"]["name"] == name and (
                    notes.get("helm.sh/hook") != hook or int(notes["helm.sh/hook-weight"]) >= weight
                ):
                    self.wrong(manifest, f"needs the {kind} {name}, which is not there yet")

    def check_selectors(self):
        deployment = self.of("Deployment")[0]
        chosen = deployment["spec"]["selector"]["matchLabels"]
        for manifest, pod, labels in self.pods():
            if (chosen.items() <= labels.items()) != (manifest is deployment):
                self.wrong(manifest, "the selector of the Deployment chooses other pods than its own")
        ports = {port["name"]: int(port["containerPort"]) for container in deployment["spec"]["template"]["spec"]["containers"]
                 for port in container.get("ports", [])}
        for service in self.of("Service"):
            if service["spec"]["selector"] != chosen:
                self.wrong(service, "does not lead to the pods of the Deployment")
            for port in service["spec"]["ports"]:
                if port["targetPort"] not in ports:
                    self.wrong(service, f"leads to the port {port['targetPort']}, which no container has")
                elif service["spec"].get("clusterIP") == "None" and port["port"] != ports[port["targetPort"]]:
                    self.wrong(service, "is headless, so its port has to be that of the container")
        for policy in self.of("NetworkPolicy"):
            selected = policy["spec"]["podSelector"]["matchLabels"]
            if not any(selected.items() <= labels.items() for _, _, labels in self.pods()):
                self.wrong(policy, "is about no pod")
            for rule in policy["spec"]["ingress"]:
                if any(port["port"] not in ports for port in rule["ports"]):
                    self.wrong(policy, "lets in to a port that no container has")
        for budget in self.of("PodDisruptionBudget"):
            if budget["spec"]["selector"]["matchLabels"] != chosen:
                self.wrong(budget, "is not about the pods of the Deployment")
        for monitor in self.of("ServiceMonitor"):
            selected = monitor["spec"]["selector"]["matchLabels"]
            found = [service for service in self.of("Service") if selected.items() <= service["metadata"]["labels"].items()]
            if len(found) != 1 or found[0]["spec"]["ports"][0]["name"] != monitor["spec"]["endpoints"][0]["port"]:
                self.wrong(monitor, "does not choose the one Service of the metrics")

    def check_scaling(self):
        deployment = self.of("Deployment")[0]
        scalers = self.of("HorizontalPodAutoscaler")
        if bool(scalers) == ("replicas" in deployment["spec"]):
            self.wrong(deployment, "either it or an autoscaler says how many")
        for scaler in scalers:
            target = scaler["spec"]["scaleTargetRef"]["name"]
            containers = [container["name"] for container in deployment["spec"]["template"]["spec"]["containers"]]
            measured = {metric["containerResource"]["container"] for metric in scaler["spec"]["metrics"]}
            if target != deployment["metadata"]["name"] or not measured <= set(containers):
                self.wrong(scaler, "scales something else")
        if deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] != 0:
            self.wrong(deployment, "takes pods away before others are there")

    def check_probes(self):
        deployment = self.of("Deployment")[0]
        pod = deployment["spec"]["template"]["spec"]
        container = pod["containers"][0]
        ports = {port["name"]: int(port["containerPort"]) for port in container["ports"]}
        secure = any(volume["name"] == "tls" for volume in pod["volumes"])
        known = health_names()
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            probe = container[kind]
            if "grpc" in probe:
                if kind != "readinessProbe" or secure:
                    self.wrong(deployment, f"{kind} cannot be over gRPC")
                if probe["grpc"]["port"] != ports.get("grpc") or probe["grpc"]["service"] not in known:
                    self.wrong(deployment, f"{kind} asks {probe['grpc']}, which is not there")
            elif probe["httpGet"]["port"] not in ports:
                self.wrong(deployment, f"{kind} asks a port that is not there")
        if container["livenessProbe"].get("httpGet", {}).get("path") != "/livez":
            self.wrong(deployment, "liveness depends on more than the process")

    def check_configuration(self):
        deployment = self.of("Deployment")[0]
        pod = deployment["spec"]["template"]["spec"]
        for manifest in self.of("ConfigMap"):
            if "customer-profile.toml" not in manifest["data"]:
                continue
            said = settings_of(manifest)
            for key, value in said.items():
                if isinstance(value, str) and value.startswith(FILES) and not is_mounted(pod, value):
                    self.wrong(manifest, f"{key} is {value}, which is not mounted")
            needed = 3 * said["drain.timeout_ms"] / 1000
            before = pod["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            if pod["terminationGracePeriodSeconds"] < needed + before:
                self.wrong(deployment, "is killed before it has drained")

    def settings(self):
        """Keys of all settings that the rendering says, with names in place of what stands for them."""
        said = set()
        for manifest in self.of("ConfigMap"):
            said |= set(settings_of(manifest))
        for _, pod, _ in self.pods():
            for container in pod["containers"]:
                said |= {variable["name"][len("CUSTOMER_PROFILE_"):].lower().replace("__", ".")
                         for variable in container.get("env", []) if variable["name"].startswith("CUSTOMER_PROFILE_")}
        return said


def settings_of(manifest):
    """Settings of a ConfigMap, by key."""
    return read(manifest["data"].get("customer-profile.toml", ""))


@functools.cache
def read(text):
    return flat(tomllib.loads(text))


def flat(table, path=()):
    """Leaves by key; a `.` within a name is written as two."""
    leaves = {}
    for name, value in table.items():
        at = (*path, name.replace(".", ".."))
        if isinstance(value, dict):
            leaves |= flat(value, at)
        else:
            leaves[".".join(at)] = value
    return leaves


def is_mounted(pod, path):
    for mount in pod["containers"][0]["volumeMounts"]:
        if path.startswith(mount["mountPath"] + "/"):
            volume = next(volume for volume in pod["volumes"] if volume["name"] == mount["name"])
            items = volume.get("secret", volume.get("configMap", {})).get("items", [])
            return path[len(mount["mountPath"]) + 1:] in [item["path"] for item in items]
    return False
