"""What every spec shares: strict frozen models, how a file is read, errors with file:line."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, ClassVar, LiteralString, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from configs.errors import ConfigError, UnknownNameError, suggest
from configs.specs.plain_words import in_plain_words
from configs.specs.quantities import yaml_key


class Spec(BaseModel):
    """Base of every spec: frozen, strict, no unknown field, YAML keys without unit suffixes.

    Attributes:
        outside_hash: fields that do not change what a spec identifies, see `spec_hash`.
    """

    outside_hash: ClassVar[frozenset[str]] = frozenset()

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        alias_generator=yaml_key,
        populate_by_name=False,
        protected_namespaces=(),
    )


S = TypeVar("S", bound=Spec)


def resolve_path(kind: str, name_or_path: str | Path) -> Path:
    """Return the file behind a shipped name (``nvl72_l11``) or a path.

    Args:
        kind: folder of the shipped files: ``lines``, ``stations``, ``evaluations``, ``training``.
        name_or_path: name of a shipped file without ``.yaml``, or a path to one's own.

    Raises:
        UnknownNameError: neither a file nor a shipped name.
    """
    path = Path(name_or_path)
    if path.is_file():
        return path
    shipped = {
        Path(str(entry)).stem: Path(str(entry))
        for entry in resources.files("configs").joinpath(kind).iterdir()
        if str(entry).endswith(".yaml")
    }
    if str(name_or_path) in shipped:
        return shipped[str(name_or_path)]
    if path.suffix in {".yaml", ".yml"} or len(path.parts) > 1:
        kind_of_file = {"lines": "line"}.get(kind, kind.removesuffix("s"))
        raise UnknownNameError(f"{kind_of_file} file", str(name_or_path), shipped)
    raise UnknownNameError(kind.removesuffix("s"), str(name_or_path), shipped)


def load_spec(model: type[S], path: Path) -> S:
    """Read one YAML file into ``model``.

    Raises:
        ConfigError: naming ``file:line``, field, value and remedy of the first error.
    """
    node = _compose(path)
    where = functools.partial(_line_of, path, node)
    try:
        data = _to_plain(node, path)
        text = json.dumps(data)
    except (TypeError, ValueError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        reason = getattr(error, "problem", None) or " ".join(str(error).split())
        raise ConfigError(
            f"{path}:{line}", "file", None, f"cannot be read ({reason})", "use plain YAML values"
        ) from None
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        # A misspelt required field is both unknown and missing: the misspelling is the news.
        first = min(errors, key=lambda e: e["type"] != "extra_forbidden")
        raise _config_error(first, where, model) from None


def error_at(path: Path, loc: tuple[str | int, ...], problem: str, remedy: str) -> ConfigError:
    """Return a `ConfigError` for a field found wrong after loading (checks across files)."""
    node = _compose(path)
    line, value = _line_of(path, node, loc)
    return ConfigError(line, _dotted(loc), value, problem, remedy)


def error_below(at: Sequence[str | int], text: LiteralString, **words: str) -> PydanticCustomError:
    """Return what a validator of several fields raises, so that the error names one of them.

    Args:
        at: YAML keys and indices from the validator's spec to the field.
        text: "problem; remedy", in which ``{name}`` stands for a word.
        **words: by name.
    """
    return PydanticCustomError("below", text, {"at": tuple(at), **words})


def first_problem(error: ValidationError) -> str:
    """Return field and message of what is wrong first, for data that has no lines to name."""
    first = error.errors(include_url=False)[0]
    return f"{_dotted(_place(first))}: {first['msg']}"


def resolved_yaml(spec: Spec) -> str:
    """Return the spec with every default filled in, as YAML that loads to an equal spec."""
    data = json.loads(spec.model_dump_json(by_alias=True))
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


def spec_hash(spec: Spec) -> str:
    """Return 16 hex digits that identify the resolved content of a spec."""
    data = json.loads(spec.model_dump_json(by_alias=True, exclude=set(spec.outside_hash)))
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _compose(path: Path) -> yaml.Node:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise ConfigError(
            f"{path}:1", "file", None, f"cannot be read ({reason})", "check path and rights"
        ) from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ConfigError(
            f"{path}:{line}",
            "file",
            None,
            f"is not valid YAML ({error.problem})",
            "complete or correct this line",
        ) from None
    except (yaml.YAMLError, RecursionError) as error:
        position = getattr(error, "position", 0)  # of a character that YAML does not allow
        line, reason = text.count("\n", 0, position) + 1, " ".join(str(error).split())
        raise ConfigError(
            f"{path}:{line}", "file", None, f"is not valid YAML ({reason})", "correct this line"
        ) from None
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(
            f"{path}:1", "file", None, "is empty or not a mapping", "write 'field: value' lines"
        )
    return node


def _to_plain(node: yaml.Node, path: Path, above: tuple[int, ...] = ()) -> Any:
    """Return the node's data, refusing duplicate keys, keys of no text, aliases that recurse."""
    line = node.start_mark.line + 1
    if id(node) in above:
        raise ConfigError(
            f"{path}:{line}", "file", None, "has a value within itself", "write it out"
        )
    above = (*above, id(node))
    if isinstance(node, yaml.MappingNode):
        plain: dict[str, Any] = {}
        for key_node, value_node in node.value:
            where, key = f"{path}:{key_node.start_mark.line + 1}", key_node.value
            if not isinstance(key_node, yaml.ScalarNode):
                raise ConfigError(
                    where, "file", None, "has a key that is no text", "name the field"
                )
            if key in plain:
                raise ConfigError(where, key, None, "is given twice", "keep one of the two")
            plain[key] = _to_plain(value_node, path, above)
        return plain
    if isinstance(node, yaml.SequenceNode):
        return [_to_plain(item, path, above) for item in node.value]
    return yaml.SafeLoader("").construct_object(node)


def _line_of(path: Path, node: yaml.Node, loc: tuple[str | int, ...]) -> tuple[str, object]:
    """Return ("file:line", value) of the deepest node that ``loc`` reaches."""
    line, value, reached = node.start_mark.line + 1, None, True
    for step in loc:
        child: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            for key_node, value_node in node.value:
                if key_node.value == str(step):
                    child, line = value_node, key_node.start_mark.line + 1
        elif (
            isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value)
        ):
            child = node.value[step]
            line = child.start_mark.line + 1
        if child is None:
            reached = False
            break
        node = child
    if reached and isinstance(node, yaml.ScalarNode):
        value = node.value
    return f"{path}:{line}", value


def _dotted(loc: tuple[str | int, ...]) -> str:
    text = ""
    for step in loc:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "file"


def _config_error(error: ErrorDetails, where: Any, model: type[Spec]) -> ConfigError:
    loc = _place(error)
    line, value = where(loc)
    kind, message = error["type"], error["msg"]
    if kind == "extra_forbidden":
        known = known_fields(model, loc[:-1])
        return ConfigError(
            line, _dotted(loc), value, "is not a known field", suggest(str(loc[-1]), known)
        )
    if kind == "missing":
        return ConfigError(line, _dotted(loc), None, "is missing", "add it")
    plain = in_plain_words(error, known_fields(model, loc))
    if plain is None:
        problem, _, remedy = message.partition("; ")
        plain = (problem, remedy) if remedy else ("is not accepted", _sentence(message))
    return ConfigError(line, _dotted(loc), value, *plain)


def _place(error: ErrorDetails) -> tuple[str | int, ...]:
    """Return where an error is: pydantic names the spec whose validator raised it."""
    return (*error["loc"], *error.get("ctx", {}).get("at", ()))


def _sentence(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def known_fields(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    """Return the YAML keys allowed at ``loc`` below ``model`` (empty where it is not a spec)."""
    types: list[Any] = [model]
    for step in loc:
        types = [below for one in types for below in _types_at(one, step)]
    return [
        field.alias or name
        for one in _alternatives(types)
        if isinstance(one, type) and issubclass(one, BaseModel)
        for name, field in one.model_fields.items()
    ]


def _types_at(annotation: Any, step: str | int) -> list[Any]:
    """Return the types of what is at a field of a spec, a key of a mapping, an index of a list."""
    found = []
    for one in _alternatives([annotation]):
        if isinstance(one, type) and issubclass(one, BaseModel):
            fields = one.model_fields.items()
            found += [field.annotation for name, field in fields if (field.alias or name) == step]
        else:
            inner = [argument for argument in get_args(one) if argument is not ...]
            found += inner[-1:]  # whatever the key or index
    return found


def _alternatives(annotations: Sequence[Any]) -> list[Any]:
    """Return types without what wraps them: unions, and what `Annotated` adds."""
    found = []
    for one in annotations:
        wrapped = get_origin(one) in (Annotated, Union, UnionType)
        found += _alternatives(get_args(one)) if wrapped else [one]
    return found
