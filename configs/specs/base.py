"""What every spec shares: strict frozen models, how a file is read, errors with file:line."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import combinations
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, ClassVar, LiteralString, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from configs.errors import ConfigError, UnknownNameError, suggest
from configs.specs.plain_words import in_plain_words
from configs.specs.quantities import yaml_key
from configs.yaml_nodes import at, joined_nodes, line_of, read_nodes, to_plain


class Spec(BaseModel):
    """Base of every spec: frozen, strict, no unknown field, YAML keys without unit suffixes.

    Attributes:
        outside_hash: fields that do not change what a spec identifies, nor what one identifies
            that holds it, see `spec_hash`.
        folder: of shipped files, one of which a YAML of this form may extend; empty where none.
    """

    outside_hash: ClassVar[frozenset[str]] = frozenset()
    folder: ClassVar[str] = ""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        alias_generator=yaml_key,
        populate_by_name=False,
        protected_namespaces=(),
    )

    def elsewhere(self) -> str:
        """Return what it takes from files that it names, for `spec_hash`; here nothing."""
        return ""


def beside(folder: object, name: str) -> Path | None:
    """Return the file called ``name`` in a folder, ``None`` if there is none.

    Validators of fields that name other files get the folder of the file that is read as their
    context (`load_spec`); data that was read from no file has none.
    """
    path = folder / name if isinstance(folder, Path) else None
    return path if path is not None and path.is_file() else None


S = TypeVar("S", bound=Spec)
_EXTENDS = "extends"


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
    try:
        node = compose(path, model.folder)
        data = to_plain(node)
        text = json.dumps(data)
    except (TypeError, ValueError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        line = at(mark) if mark else f"{path}:1"
        reason = getattr(error, "problem", None) or " ".join(str(error).split())
        raise ConfigError(
            line, "file", None, f"cannot be read ({reason})", "use plain YAML values"
        ) from None
    try:
        return model.model_validate_json(text, context=path.parent)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        # A misspelt required field is both unknown and missing: the misspelling is the news.
        first = min(errors, key=lambda e: e["type"] != "extra_forbidden")
        found = _config_error(first, functools.partial(line_of, node), model)
        raise _inherited(found, path, model) from None


def error_at(
    path: Path, loc: tuple[str | int, ...], problem: str, remedy: str, folder: str = ""
) -> ConfigError:
    """Return a `ConfigError` for a field found wrong after loading (checks across files).

    Args:
        path: the file.
        loc: YAML keys and indices to the field.
        problem: what is wrong with it.
        remedy: what to do.
        folder: of shipped files, one of which the file may extend (`Spec.folder`).
    """
    line, value = line_of(compose(path, folder), loc)
    return ConfigError(line, _dotted(loc), value, problem, remedy)


def refuse_key(path: Path, key: str, problem: str, remedy: str) -> None:
    """Refuse a file with a key at its top level by which it is of another form.

    Raises:
        ConfigError: it has that key, or cannot be read.
    """
    for node, _ in compose(path).value:
        if node.value == key:
            raise ConfigError(at(node.start_mark), key, None, problem, remedy)


def error_below(at: Sequence[str | int], text: LiteralString, **words: str) -> PydanticCustomError:
    """Return what a validator of several fields raises, so that the error names one of them.

    Args:
        at: YAML keys and indices from the validator's spec to the field.
        text: "problem; remedy", in which ``{name}`` stands for a word.
        **words: by name.
    """
    return PydanticCustomError("below", text, {"at": tuple(at), **words})


def _distinct(entries: list[Any]) -> list[Any]:
    if any(one == other for one, other in combinations(entries, 2)):
        raise PydanticCustomError("repeat", "holds an entry twice; name each once", {})
    return entries


Distinct = AfterValidator(_distinct)
"""A list in which nothing is named twice."""


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
    data = json.loads(spec.model_dump_json(by_alias=True, exclude=_outside(spec)))
    if read := [*_elsewhere(spec)]:
        data = [data, *read]
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _elsewhere(spec: Spec) -> Iterator[str]:
    if said := spec.elsewhere():
        yield said
    for name in type(spec).model_fields:
        value = getattr(spec, name)
        if isinstance(value, Spec):
            yield from _elsewhere(value)


def _outside(spec: Spec) -> dict[str, Any]:
    """Return what the hash leaves out, of a spec and of those in its fields, as pydantic's form."""
    found: dict[str, Any] = dict.fromkeys(spec.outside_hash, True)
    for name in type(spec).model_fields:
        value = getattr(spec, name)
        if name not in found and isinstance(value, Spec) and (below := _outside(value)):
            found[name] = below
    return found


def compose(path: Path, folder: str = "", above: tuple[Path, ...] = ()) -> yaml.MappingNode:
    """Return a YAML file as nodes: where it says ``extends: NAME``, only what is other than there.

    Args:
        path: the file.
        folder: of shipped files, one of which it may extend; empty where that is no field.
        above: files that extend this one.

    Raises:
        ConfigError: a file cannot be read, is no mapping, or extends what it may not.
    """
    own = read_nodes(path)
    extended = _extended(own, path, folder)
    if extended is None:
        return own
    own.value = [pair for pair in own.value if pair[0].value != _EXTENDS]
    above = (*above, path.resolve())
    if extended.base.resolve() in above:
        raise extended.error("leads back to this file", "name another file")
    below = compose(extended.base, folder, above)
    for node in (below, own):
        to_plain(node)  # refuses what joining would hide: a key that is given twice
    return joined_nodes(below, own)


@dataclass(frozen=True)
class _Extended:
    """What a file extends, by which name, and where it says so."""

    where: str
    name: str
    base: Path

    def error(self, problem: str, remedy: str) -> ConfigError:
        return ConfigError(self.where, _EXTENDS, self.name, problem, remedy)


def _extended(own: yaml.MappingNode, path: Path, folder: str) -> _Extended | None:
    named = [(key, value) for key, value in own.value if key.value == _EXTENDS]
    if not folder or len(named) != 1:
        return None
    ((key, value),) = named
    where = at(key.start_mark)
    if not isinstance(value, yaml.ScalarNode):
        raise ConfigError(where, _EXTENDS, None, "is not one name", "write e.g. extends: NAME")
    name = str(value.value)
    try:
        return _Extended(where, name, resolve_path(folder, beside(path.parent, name) or name))
    except UnknownNameError as error:
        problem, _, remedy = str(error).partition("; ")
        raise ConfigError(where, _EXTENDS, name, f"names an {problem}", remedy) from None


def _inherited(error: ConfigError, path: Path, model: type[Spec]) -> ConfigError:
    """Return an error that names the file that was read, where it lies in one that this extends."""
    if error.file == str(path):
        return error
    extended = _extended(read_nodes(path), path, model.folder)
    if extended is None:
        return error
    try:
        load_spec(model, extended.base)
    except ConfigError as wrong:
        if Path(extended.base.name).stem != extended.name:
            return wrong
        kin = model.__name__.removesuffix("Spec").lower()
        return extended.error(
            "is of another kind of work",
            f"extend a file of this one's ({kin}), or register this one as of that kind",
        )
    shown = "" if error.value is None else f" = {error.value}"
    return extended.error(
        f"does not go with what this file says: {error.field}{shown} ({error.where}) "
        f"{error.problem}",
        f"{error.remedy}, here and not there",
    )


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
        if model.folder and len(loc) == 1:
            known.append(_EXTENDS)
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
