"""What is wrong with a request is said in our own words, whatever field of whatever route it is, and named as its
contract writes names."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import params
from fastapi.dependencies.utils import get_flat_params
from pydantic import BaseModel, ValidationError

from amp.surfaces.amp.app import SURFACES
from amp.surfaces.amp.envelope import AmpContract
from amp.surfaces.ampost.app import COMPATIBLE, PUBLIC
from amp.surfaces.ampost.envelope import AmpostContract
from amp.surfaces.contract import Contract
from amp.surfaces.fields import Body
from amp.surfaces.refusals import refusal
from amp.surfaces.surface import SurfaceRoute

AMP, AMPOST = AmpContract("http://amp.test"), AmpostContract()
ROUTES: list[tuple[Contract, SurfaceRoute]] = [
    *((AMP, route) for surface in SURFACES for route in surface.routes(AMP)),
    *((AMPOST, route) for surface in (*PUBLIC, *COMPATIBLE) for route in surface.routes(AMPOST)),
]
WRONG: tuple[Any, ...] = (
    *(None, "", "x", "1700000000", "2026-01-01", "2026-01-15T10:30:00", "9999-12-31T23:59:59-23:00"),
    *(5, -1, 1e20, 10**20, 1.5, True, [], [None], [5], ["x"] * 200, {}, {"a": 1}, {"a": None}, "x" * 200_000),
)
THEIRS = re.compile(r"Input|should|valid (string|integer|boolean|number|datetime)|expected here|Extra|Field required")


def bodies(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for one in model.__subclasses__():
        yield one
        yield from bodies(one)


MODELS = [one for one in bodies(Body) if one.__module__.startswith("amp.")]


def told(contract: Contract, errors: Any) -> Iterator[tuple[str, str]]:
    """Field and message of each error, as if it were the only one."""
    for error in errors:
        found = refusal([{**error}], written=contract.field)
        yield found.param or "", found.message


@pytest.mark.parametrize("model", MODELS, ids=[one.__name__ for one in MODELS])
def test_whatever_is_wrong_in_a_body_is_said_in_our_own_words(model: type[BaseModel]) -> None:
    contract = AMPOST if ".ampost." in model.__module__ else AMP
    for field_name, field in model.model_fields.items():
        name = field.alias or field_name
        for value in (*WRONG, [{name: value} for value in WRONG]):
            try:
                model.model_validate({name: value})
            except ValidationError as wrong:
                for where, message in told(contract, wrong.errors()):
                    assert not THEIRS.search(message), f"{value!r}: {message}"
                    assert "function" not in where
                    assert not re.search(r"\.(str|int|constrained-\w+|nullable)\b", where), where


@pytest.mark.parametrize(
    ("contract", "route"), ROUTES, ids=[f"{contract.name} {route.name}" for contract, route in ROUTES]
)
def test_whatever_is_wrong_in_a_query_is_said_in_our_own_words(contract: Contract, route: SurfaceRoute) -> None:
    for field in get_flat_params(route.dependant):
        if not isinstance(field.field_info, params.Query):
            continue
        for value in ("", "x", "-1", "1.5", "1e20", "9" * 5000, "2026", "2026-01-15T10:30:00", "x" * 5000):
            for where, message in told(contract, field.validate(value, {}, loc=("query", field.alias))[1]):
                assert where == field.alias
                assert not THEIRS.search(message), f"{value[:20]!r}: {message}"


@pytest.mark.parametrize(
    ("contract", "path", "written"),
    [
        (AMP, "kpis.0.target", "kpis.0.target"),
        (AMP, "constraints.posting_times.1", "constraints.posting_times.1"),
        (AMPOST, "content.media.0.url", "media[0].url"),
        (AMPOST, "media.0.url", "media[0].url"),
        (AMPOST, "media[0].url", "media[0].url"),
        (AMPOST, "content.text", "text"),
        (AMPOST, "content", "content"),
        (AMPOST, "platforms.12", "platforms[12]"),
        (AMPOST, "settings.publishAt", "settings.publishAt"),
        (AMPOST, "files[3]", "files[3]"),
    ],
)
def test_each_contract_has_one_way_to_say_where_something_is(contract: Contract, path: str, written: str) -> None:
    assert contract.field(path) == written
