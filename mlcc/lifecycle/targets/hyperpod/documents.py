"""The manifests of a project, as they stand in its folder.  Law: reads only; what was reviewed is what is applied.

A file may have been edited, and mlcc apply has recorded that then; one that is neither as rendered nor as recorded is
refused.  What tells whose the object is (kind, name, namespace, labels) comes from mlcc.yaml alone.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from mlcc.checks.runner import manifest_problems
from mlcc.core.errors import PreconditionError, UserError
from mlcc.core.findings import Finding, error
from mlcc.core.nodes import Node
from mlcc.core.paths import format_path
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.core.tree import MAX_FILE_BYTES, REMOVED, STAYS_DELETED, digest
from mlcc.io.disk.reader import Directory
from mlcc.io.yaml import reader
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.resolve.hyperpod import manifests, volumes
from mlcc.resolve.hyperpod.manifests import Document

CONFIG_ID, EXPIRES = "mlcc.dev/config-id", "mlcc.dev/expires"


class Manifest(NamedTuple):
    """A manifest of the project: its path, and what stands in it."""

    path: str
    document: Document

    @property
    def kind(self) -> str:
        """The kind of object."""
        return str(self.document["kind"])

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.document["metadata"]["name"])


class Owner(NamedTuple):
    """Whose an object is: a project's environment, in a namespace."""

    project: str
    environment: str
    namespace: str

    @property
    def labels(self) -> dict[str, str]:
        """What marks an object as the project's, in this environment."""
        return {manifests.PROJECT: self.project, manifests.ENVIRONMENT: self.environment}

    def marks(self, of_cluster: bool = False) -> dict[str, str]:
        """The labels by which an object is found.  of_cluster: it lies in no namespace."""
        return {**self.labels, **({volumes.NAMESPACE: self.namespace} if of_cluster else {})}


def owner(project: RenderedProject) -> Owner:
    """Whose the project's objects are, in the environment of this run."""
    return Owner(project.name, project.environment_name, namespace(project))


def has_volume(project: RenderedProject) -> bool:
    """Whether the project's environment has a manifest of a volume."""
    return f"{manifests.folder(project.env)}/{manifests.VOLUME}.yaml" in project.lock.files


def namespace(project: RenderedProject) -> str:
    """Where the project's objects lie."""
    return str(project.get("hyperpod.namespace", "default"))


def read(project: RenderedProject) -> tuple[Manifest, ...]:
    """The manifests of the project's environment.

    Raises PreconditionError where there is none, or one is not as recorded; UserError with every mistake in them.
    """
    place = manifests.folder(project.env)
    paths = [p for p in project.lock.files if manifests.is_manifest(p) and p.rpartition("/")[0] == place]
    found, problems = [], list[Finding]()
    order = list(manifests.SCHEMAS)
    for path in sorted(paths, key=lambda path: order.index(manifests.kind_of(path))):
        root = _root(project, path)
        if root is not None:
            mistakes = list(_mistakes(project, path, root))
            problems += mistakes
            if not mistakes:
                found.append(Manifest(path, root.plain()))
    if problems:
        raise UserError(problems)
    if not found:
        message = f"the project has no manifests in {place}/"
        raise PreconditionError([error("MLCC373", message, hint="mlcc set deployment.target hyperpod-eks; mlcc apply")])
    return tuple(found)


def _root(project: RenderedProject, path: str) -> Node | None:
    """A manifest as nodes; None of one that its user took away."""
    record = project.lock.files[path]
    if record.edited in (REMOVED, STAYS_DELETED):
        return None
    with Directory(project.directory) as tree:
        raw = tree.read(path, MAX_FILE_BYTES)
    if raw is None or digest(raw[0]) not in (record.digest, record.edited):
        what = "is missing" if raw is None else "was edited since mlcc apply"
        hint = f"mlcc apply records what you edited; --restore {printable(path, 100)} writes it anew"
        raise PreconditionError([error("MLCC374", f"the manifest {what}", file=path, hint=hint)])
    loaded = reader.load_yaml(raw[0], path)
    if loaded.root is None or loaded.findings:
        raise UserError(loaded.findings)
    return loaded.root


def _mistakes(project: RenderedProject, path: str, root: Node) -> Iterator[Finding]:
    document = root.plain()
    for code, problem in manifest_problems(manifests.schema_of(path), document):
        mark = root.mark_of(problem.path)
        yield error(code, problem.words, file=path, hint=problem.hint)._replace(line=mark.line, column=mark.column)
    metadata = manifests.identity(project.values, project.env, manifests.kind_of(path))
    for below, value in _leaves(metadata):
        where = ("metadata", *below)
        node = root.get(*where)
        if node is None or node.value != value:
            mark = root.mark_of(where)
            message = f"{format_path(where)} is not {printable(value)}, by which mlcc finds the object"
            hint = "change the project's name, environment or hyperpod.namespace in mlcc.yaml"
            yield error("MLCC374", message, file=path, hint=hint)._replace(line=mark.line, column=mark.column)


def _leaves(metadata: Document) -> Iterator[tuple[tuple[str, ...], str]]:
    """What stands in the metadata of a manifest, by path."""
    for name, value in metadata.items():
        if isinstance(value, str):
            yield (name,), value
        else:
            yield from (((name, label), text) for label, text in value.items())


def completed(manifest: Manifest, image: str, config_id: str, expires: str) -> Manifest:
    """A manifest with what only a deployment knows.

    image: of the project, for a manifest that names none; config_id: of the configuration; expires: seconds since 1970,
    empty for never.
    """
    document = copy.deepcopy(manifest.document)
    notes = {CONFIG_ID: config_id, **({EXPIRES: expires} if expires else {})}
    metadata: dict[str, Any] = document["metadata"]
    metadata["annotations"] = {**metadata.get("annotations", {}), **notes}
    for container in _containers(document):
        if str(container.get("image", "")).startswith(manifests.IMAGE_LATER):
            container["image"] = image
    return manifest._replace(document=document)


def needs_image(found: tuple[Manifest, ...]) -> bool:
    """Whether a manifest leaves its image to the deployment."""
    images = [str(c.get("image", "")) for manifest in found for c in _containers(manifest.document)]
    return any(image.startswith(manifests.IMAGE_LATER) for image in images)


def _containers(document: Document) -> list[dict[str, Any]]:
    """Every container that a manifest describes."""
    spec = document["spec"]
    pod = spec.get("template", {}).get("spec", {})
    several = [*pod.get("containers", ()), *pod.get("initContainers", ())]
    several += spec.get("kubernetes", {}).get("initContainers", ())
    return [*([spec["worker"]] if "worker" in spec else []), *several]
