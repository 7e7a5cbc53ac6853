r"""What a Dockerfile says about *running* its image; nothing of it is built.

The rules are those of the Dockerfile reference (https://docs.docker.com/reference/dockerfile/): keywords in
any case, `\` continues a line, exec form is JSON and shell form anything else, ENTRYPOINT drops a CMD that
an earlier stage set, an ARG before the first FROM is seen by FROM lines and by stages that repeat it.
Nested `${A:-${B}}` and an `escape` directive are not read.
"""

import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

_DOUBLE_QUOTED = r'"(?:\\.|[^"\\])*"'
_VARIABLE = r"\$(?:(?P<plain>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?P<rule>:?[-+])?(?P<word>[^}]*)\})"
_PIECE = re.compile(rf"'(?P<single>[^']*)'|(?P<double>{_DOUBLE_QUOTED})|\\(?P<escaped>.)|{_VARIABLE}", re.DOTALL)
_PIECE_IN_QUOTES = re.compile(rf'\\(?P<escaped>["$\\])|{_VARIABLE}', re.DOTALL)
_WORD = re.compile(rf"(?:'[^']*'|{_DOUBLE_QUOTED}|\\.|\S)+", re.DOTALL)
_HEREDOC = re.compile(r"<<-?[\"']?([A-Za-z_]\w*)[\"']?")
_HEREDOC_KEYWORDS = {"RUN", "COPY", "ADD"}


class DockerfileError(ValueError):
    """A Dockerfile that cannot be read; the message names the line."""


@dataclass(frozen=True, kw_only=True)
class ImageConfig:
    """How an image wants to be run.

    Attributes:
        entrypoint: the words of ENTRYPOINT; empty if there is none.
        command: the words of CMD; empty if there is none.
        environment: the variables of ENV with those inherited, as (name, value) pairs.
        working_directory: WORKDIR as an absolute path in the image, `/` if there is none.
    """

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    working_directory: str = "/"


@dataclass(frozen=True)
class _Instruction:
    keyword: str
    arguments: str
    line: int


@dataclass(frozen=True)
class _Stage:
    """A stage as far as it has been read; every instruction gives a new one."""

    name: str = ""
    config: ImageConfig = ImageConfig()
    arguments: Mapping[str, str] = field(default_factory=dict)
    shell: tuple[str, ...] = ("/bin/sh", "-c")
    own_command: bool = False

    @property
    def variables(self) -> dict[str, str]:
        return {**self.arguments, **dict(self.config.environment)}


def read_image_config(
    text: str,
    *,
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
    base_environment: Mapping[str, str] | None = None,
) -> ImageConfig:
    """Read how the image of a Dockerfile is run.

    Args:
        text: the Dockerfile.
        target: name or number of the stage wanted; None is the last one.
        build_args: values that win over the defaults of ARG lines.
        base_environment: what a stage that starts from an image outside this file inherits, such as `PATH`.

    Raises:
        DockerfileError: no FROM, an unknown target, a malformed ENV.
    """
    given = dict(build_args or {})
    base = ImageConfig(environment=tuple((base_environment or {}).items()))
    global_arguments: dict[str, str] = {}
    stages: list[_Stage] = []
    for instruction in _instructions(text):
        if instruction.keyword == "FROM":
            stages.append(_new_stage(instruction, stages, base, global_arguments))
        elif instruction.keyword == "ARG":
            current = stages[-1].variables if stages else global_arguments
            declared = _declared(instruction, current, given, global_arguments if stages else {})
            if stages:
                stages[-1] = replace(stages[-1], arguments={**stages[-1].arguments, **declared})
            else:
                global_arguments.update(declared)
        elif not stages:
            raise DockerfileError(f"line {instruction.line}: {instruction.keyword} stands before the first FROM")
        elif change := _CHANGES.get(instruction.keyword):
            stages[-1] = change(stages[-1], instruction)
    if not stages:
        raise DockerfileError("there is no FROM line; start the Dockerfile with one")
    return _wanted(stages, target).config


def _wanted(stages: list[_Stage], target: str | None) -> _Stage:
    if target is None:
        return stages[-1]
    for number, stage in enumerate(stages):
        if target.lower() in {stage.name, str(number)}:
            return stage
    known = [stage.name or str(number) for number, stage in enumerate(stages)]
    raise DockerfileError(f"there is no stage {target!r}; the stages are {known}")


def _instructions(text: str) -> Iterator[_Instruction]:
    """The instructions, each with the number of its first line (1 is the first)."""
    lines = enumerate(text.splitlines(), start=1)
    pending, first = "", 0
    for number, line in lines:
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        first = first or number
        if stripped.endswith("\\"):
            pending += line.rstrip()[:-1]
            continue
        keyword, _, arguments = (pending + line).strip().partition(" ")
        yield _Instruction(keyword.upper(), arguments.strip(), first)
        if keyword.upper() in _HEREDOC_KEYWORDS:
            for delimiter in _HEREDOC.findall(arguments):
                next((body for _, body in lines if body.strip() == delimiter), None)
        pending, first = "", 0
    if pending.strip():
        keyword, _, arguments = pending.strip().partition(" ")
        yield _Instruction(keyword.upper(), arguments.strip(), first)


def _new_stage(
    instruction: _Instruction, stages: list[_Stage], base: ImageConfig, arguments: Mapping[str, str]
) -> _Stage:
    words = [word for word in _words(instruction.arguments, arguments) if not word.startswith("--")]
    if not words:
        raise DockerfileError(f"line {instruction.line}: FROM names no image")
    named = len(words) > 2 and words[1].lower() == "as"  # noqa: PLR2004 -- image, "as", name
    name = words[2].lower() if named else ""
    parent = next((stage for stage in stages if stage.name and stage.name == words[0].lower()), None)
    return _Stage(name, parent.config, shell=parent.shell) if parent else _Stage(name, base)


def _declared(
    instruction: _Instruction,
    variables: Mapping[str, str],
    given: Mapping[str, str],
    outer: Mapping[str, str],
) -> dict[str, str]:
    """The variables of an ARG line: the value given, else its default, else that of the ARG before FROM."""
    declared: dict[str, str] = {}
    for word in _words(instruction.arguments, variables):
        name, has_default, default = word.partition("=")
        if name in given:
            declared[name] = given[name]
        elif has_default:
            declared[name] = default
        elif name in outer:
            declared[name] = outer[name]
    return declared


def _with_environment(stage: _Stage, instruction: _Instruction) -> _Stage:
    variables = stage.variables
    raw_words = _WORD.findall(instruction.arguments)
    if raw_words and "=" not in raw_words[0]:
        name, _, value = instruction.arguments.partition(" ")
        changes = {name: _expanded(value.strip(), variables)}
    else:
        words = [_expanded(word, variables) for word in raw_words]
        if bad := [word for word in words if "=" not in word]:
            raise DockerfileError(f"line {instruction.line}: ENV takes NAME=value pairs, got {bad[0]!r}")
        changes = dict(word.split("=", 1) for word in words)
    if not changes or not all(changes):
        raise DockerfileError(f"line {instruction.line}: ENV names no variable, got {instruction.arguments!r}")
    environment = {**dict(stage.config.environment), **changes}
    return replace(stage, config=replace(stage.config, environment=tuple(environment.items())))


def _with_entrypoint(stage: _Stage, instruction: _Instruction) -> _Stage:
    command = stage.config.command if stage.own_command else ()
    entrypoint = _argv(stage, instruction.arguments)
    return replace(stage, config=replace(stage.config, entrypoint=entrypoint, command=command))


def _with_command(stage: _Stage, instruction: _Instruction) -> _Stage:
    command = _argv(stage, instruction.arguments)
    return replace(stage, own_command=True, config=replace(stage.config, command=command))


def _with_working_directory(stage: _Stage, instruction: _Instruction) -> _Stage:
    path = _expanded(instruction.arguments, stage.variables)
    absolute = posixpath.normpath(posixpath.join(stage.config.working_directory, path))
    return replace(stage, config=replace(stage.config, working_directory=absolute))


def _with_shell(stage: _Stage, instruction: _Instruction) -> _Stage:
    shell = _exec_form(instruction.arguments)
    if not shell:
        raise DockerfileError(f"line {instruction.line}: SHELL takes a JSON list, got {instruction.arguments!r}")
    return replace(stage, shell=shell)


_CHANGES: dict[str, Callable[[_Stage, _Instruction], _Stage]] = {
    "ENV": _with_environment,
    "ENTRYPOINT": _with_entrypoint,
    "CMD": _with_command,
    "WORKDIR": _with_working_directory,
    "SHELL": _with_shell,
}


def _exec_form(arguments: str) -> tuple[str, ...] | None:
    try:
        words = json.loads(arguments)
    except ValueError:
        return None
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        return tuple(words)
    return None


def _argv(stage: _Stage, arguments: str) -> tuple[str, ...]:
    words = _exec_form(arguments)
    if words is not None:
        return words
    return (*stage.shell, arguments) if arguments else ()


def _words(text: str, variables: Mapping[str, str]) -> list[str]:
    return [_expanded(word, variables) for word in _WORD.findall(text)]


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    """Take quotes away and put variables in, as a shell would, without splitting words."""

    def piece(match: re.Match[str]) -> str:
        groups = match.groupdict()
        if (single := groups.get("single")) is not None:
            return str(single)
        if (double := groups.get("double")) is not None:
            return _PIECE_IN_QUOTES.sub(piece, str(double)[1:-1])
        if (escaped := groups["escaped"]) is not None:
            return str(escaped)
        value = variables.get(groups["plain"] or groups["name"], "")
        rule, word = groups["rule"] or "", groups["word"] or ""
        is_set = bool(value) if rule.startswith(":") else (groups["plain"] or groups["name"]) in variables
        if rule.endswith("-"):
            return value if is_set else word
        if rule.endswith("+"):
            return word if is_set else ""
        return value

    return _PIECE.sub(piece, text)
