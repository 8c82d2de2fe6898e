"""What mlcc upgrade would write: newer choices, a revision, a chat template.  Law: proposes; the command line writes.

All go where a pull request shows them: the choices into mlcc.lock, the revision into mlcc.yaml, the template into a
file beside it.  From there they take the way of every other value, through apply into the rendered tree.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity, error
from mlcc.core.model_names import kind
from mlcc.core.paths import EMPTY, Path
from mlcc.core.records import NamedTuple
from mlcc.core.text import hidden, printable, quoted
from mlcc.core.values import Scalar
from mlcc.io.web import Unreachable
from mlcc.load import edit
from mlcc.load.lock_choices import ENVIRONMENTS
from mlcc.lookups import models
from mlcc.lookups.hub import TEMPLATE_FILE, TOKENIZER_FILE, Card, Hub
from mlcc.registries.rows import FrameworkVersion
from mlcc.resolve.project import Project

NAME = TEMPLATE_FILE
FILE_KEY: Path = ("model", "chat_template_file")
MAX_TEMPLATE = 256 << 10


class Proposal(NamedTuple):
    """What would change.

    settings: values of mlcc.yaml by path, with what stood there; template: the text of chat_template.jinja, where it is
    written; words: what was learned, in sentences; newer: versions of the framework that the registries have; choices:
    what the registries choose now instead of what mlcc.lock holds, by path, with both values.
    """

    settings: Mapping[Path, tuple[str | None, str]]
    template: bytes | None = None
    findings: tuple[Finding, ...] = ()
    words: tuple[str, ...] = ()
    newer: tuple[FrameworkVersion, ...] = ()
    choices: Mapping[Path, tuple[Scalar | None, Scalar]] = EMPTY

    @property
    def changes(self) -> bool:
        """True where something would be written."""
        return bool(self.settings) or self.template is not None or bool(self.choices)

    def text(self, before: str) -> str:
        """mlcc.yaml with the proposed values, all else as it was.  Raises UserError where the layout forbids it."""
        for path, (_, value) in self.settings.items():
            before = edit.change(before, path, value)
        return before


class Wish(NamedTuple):
    """What the command line asks for.

    follow: the branch or tag to move to, empty to pin what is named now; template: take the Hub's template in any case.
    """

    follow: str = ""
    template: bool = False


PIN = Wish()


def moved_choices(held: Project, fresh: Project) -> dict[Path, tuple[Scalar | None, Scalar]]:
    """The choices that the registries make otherwise than the lock holds them.

    held: resolved with the lock's choices; fresh: without.
    """
    before, after = _all_choices(held), _all_choices(fresh)
    # an overlay's choice that is not its own any more is the default environment's
    after |= {path: after[path[2:]] for path in before if path not in after and path[2:] in after}
    return {path: (before.get(path), value) for path, value in after.items() if before.get(path) != value}


def _all_choices(project: Project) -> dict[Path, Scalar]:
    """Every choice, those of an overlay below its name where they are others than the default environment's."""
    default = {path: choice.value for path, choice in project.default.choices.items()}
    found = dict(default)
    for name, resolved in project.environments.items():
        own: Path = (ENVIRONMENTS, name)
        found |= {own + p: c.value for p, c in resolved.choices.items() if c.value != default.get(p)}
    return found


def newer(project: Project) -> tuple[FrameworkVersion, ...]:
    """Versions of the chosen framework that stand before the chosen one: rows are sorted newest first."""
    framework, chosen = project.resolved.rows.framework, project.resolved.rows.version
    if framework is None or chosen is None:
        return ()
    names = list(framework.versions)
    return tuple(framework.versions[n] for n in names[: names.index(chosen.name)])


def propose(project: Project, hub: Hub | None, disk: bytes | None, wish: Wish = PIN) -> Proposal:
    """What would change in a project whose configuration is sound.

    hub: None to look nothing up; disk: what chat_template.jinja beside mlcc.yaml holds, None where there is none.
    """
    offline = Proposal({}, newer=newer(project))
    name = str(project.default.get("model.name", ""))
    if hub is None:
        return offline
    if not name:
        return offline._replace(words=("no model is named: nothing to look up",))
    if kind(name) != "hub":
        return offline._replace(words=(f"{printable(name, 100)} is not a model of the Hub: nothing to look up",))
    subject = Subject(project.default, project.registries, project.inputs.config.root)
    try:
        return _looked_up(offline, subject, name, hub, disk, wish)
    except Unreachable as problem:
        return offline._replace(findings=(models.trouble(problem, Severity.ERROR),))


def _looked_up(offline: Proposal, subject: Subject, name: str, hub: Hub, disk: bytes | None, wish: Wish) -> Proposal:
    now = str(subject.resolved.get("model.revision", ""))
    seen = models.model(subject, models.NAME, name, wish.follow or now, hub)
    findings = [f for f in seen.findings if f.code != "MLCC183"]
    words = list(seen.words)
    card = hub.card(name, wish.follow or now)
    settings: dict[Path, tuple[str | None, str]] = {}
    engine = subject.rows.engine
    if engine is None or "model.revision" not in engine.model_variables:
        # a revision that nothing reads would only look like a pin
        words.append(f"{printable(name, 100)}: nothing here takes a revision, so none is pinned")
    elif card.commit and card.commit != now:
        settings[models.REVISION] = (now or None, card.commit)
    elif card.commit and not wish.follow:
        head = hub.card(name).commit
        if head and head != now:
            words.append(
                f"{printable(name, 100)}: its default branch is at {head}; mlcc upgrade --revision main takes it"
            )
    template = None
    if card.commit:
        template, wrong = _template(subject, name, card, now, hub, disk, wish)
        findings += wrong
    if template is not None and subject.resolved.get("model.chat_template_file") is None:
        settings[FILE_KEY] = (None, NAME)
    written = template if template != disk else None
    return offline._replace(settings=settings, template=written, findings=tuple(findings), words=tuple(words))


# ---------------------------------------------------------------- templates
def _template(
    subject: Subject, name: str, card: Card, before: str, hub: Hub, disk: bytes | None, wish: Wish
) -> tuple[bytes | None, list[Finding]]:
    """The bytes that chat_template.jinja shall hold; None where it is not ours to write."""
    given = str(subject.resolved.get("model.chat_template_file", "")).removeprefix("./")
    if given == NAME and disk is not None:
        return _moved(subject, name, card, before, hub, disk)
    if given == NAME:
        wish = wish._replace(template=True)  # it was taken before, and the file is gone
    elif given or subject.resolved.get("model.chat_template"):
        return None, []
    if not _wanted(subject, name, card, hub, wish):
        return None, []
    text, file = hub.template(name, card)
    data = text.encode("utf-8", "replace")
    wrong = _refused(data, text) if text else ""
    if wrong:
        message = f"the chat template of {quoted(name, 100)} in {file} {wrong}: it is not taken"
        hint = "read it on the Hub; to use it all the same, save it and name it in model.chat_template_file"
        return None, [subject.finding("MLCC186", FILE_KEY, message, hint)]
    if text and disk is not None and disk != data:
        hint = "name it in model.chat_template_file to keep it, or remove it and run mlcc upgrade again"
        return None, [error("MLCC187", f"{NAME} is here already, and is not the Hub's", path="model", hint=hint)]
    return (data if text else None), []


def _wanted(subject: Subject, name: str, card: Card, hub: Hub, wish: Wish) -> bool:
    """True where the project should hold a template of its own.

    The model's row says that it brings none; or it lies in a file that older engines do not look for, which read the
    tokenizer's configuration alone.
    """
    if not models.takes_template(subject):
        return False
    if not wish.template and models.has_template(subject):
        return False
    model = subject.rows.model
    if wish.template or (model is not None and model.requires_template):
        return True
    text, file = hub.template(name, card)
    tokenizer = hub.document(name, card, TOKENIZER_FILE)
    return bool(text) and file != TOKENIZER_FILE and not tokenizer.get("chat_template")


def _moved(
    subject: Subject, name: str, card: Card, before: str, hub: Hub, disk: bytes
) -> tuple[bytes | None, list[Finding]]:
    """A template that was taken before follows the revision, unless somebody edited it."""
    old = hub.card(name, before) if before and before != card.commit else None
    if old is None or not old.commit:
        return None, []
    text = hub.template(name, card)[0]
    base, new = (t.encode("utf-8", "replace") for t in (hub.template(name, old)[0], text))
    if not new or new in (base, disk):
        return None, []
    if base == disk and not _refused(new, text):
        return new, []
    message = f"{NAME} is not the template of the revision that was pinned, and stays as it is"
    hint = "compare it with the model's own; remove it and model.chat_template_file to take that"
    return None, [subject.finding("MLCC187", FILE_KEY, message, hint, Severity.WARNING)]


def _refused(data: bytes, text: str) -> str:
    """Why a template is not written, or nothing."""
    if len(data) > MAX_TEMPLATE:
        return f"is larger than {MAX_TEMPLATE >> 10} KiB"
    return "holds characters that a reviewer cannot see" if hidden(text) is not None else ""
