"""Calling a handler with what its annotations ask for, and writing what it gives.

FastAPI reads the annotations, once: what comes from path, query and body, and the OpenAPI document. At each request its
own solver also looks for what no route of ours has (overrides, generators, forms, headers, cookies), which was half
of what Python did for a list. Here is the part that our routes need, on FastAPI's own fields.
"""

from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from starlette.responses import Response

_Errors = list[Any]


class Handling:
    """Calls the handler of a route and writes its answer, with `status` unless the handler made a Response."""

    def __init__(self, dependant: Dependant, answers: Any, status: int) -> None:
        """`answers`: FastAPI's field for what the handler gives. Errors: TypeError for what cannot be had here."""
        self._call = _Call(dependant)
        self._answers = answers
        self._status = status

    async def __call__(self, request: Request) -> Response:
        """Errors: RequestValidationError, with all that is wrong."""
        errors: _Errors = []
        arguments = await self._call.arguments(request, errors)
        if errors:
            raise RequestValidationError(errors)
        answer = await self._call.function(**arguments)
        if isinstance(answer, Response):
            return answer
        value, wrong = self._answers.validate(answer, loc=("response",))
        if wrong:
            raise ResponseValidationError(wrong, body=answer)
        response = Response(self._answers.serialize_json(value), self._status, media_type="application/json")
        if self._call.response:
            response.raw_headers.extend(arguments[self._call.response].raw_headers)
        return response


class _Call:
    """A handler, or a dependency of one, and where its arguments are."""

    def __init__(self, dependant: Dependant) -> None:
        self.function: Any = dependant.call
        strange = [*dependant.header_params, *dependant.cookie_params, *dependant.body_params[1:]]
        if strange or dependant.background_tasks_param_name:
            raise TypeError(f"{self.function.__name__} asks for what its call does not know")
        self.response = dependant.response_param_name
        """Where the handler wants a Response whose headers, such as cookies, are added to its answer."""
        self._request = dependant.request_param_name
        self._inner = [(str(inner.name), _Call(inner)) for inner in dependant.dependencies]
        self._path = [_Argument("path", field) for field in dependant.path_params]
        self._query = [_Argument("query", field) for field in dependant.query_params]
        self._body = [_Argument("body", field) for field in dependant.body_params]
        others = (self._inner, self._path, self._query, self._body, self.response)
        self.wants_the_request_only = bool(self._request) and not any(others)
        """As most dependencies do."""

    async def arguments(self, request: Request, errors: _Errors) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        for name, inner in self._inner:
            if inner.wants_the_request_only:
                arguments[name] = await inner.function(request)
                continue
            wrong = len(errors)
            given = await inner.arguments(request, errors)
            if len(errors) == wrong:
                arguments[name] = await inner.function(**given)
        for argument in self._path:
            arguments[argument.name] = argument.of(request.path_params.get(argument.alias), errors)
        if self._query:
            given = request.query_params
            for argument in self._query:
                arguments[argument.name] = argument.of(given.get(argument.alias), errors)
        for argument in self._body:
            body = await request.json() if await request.body() else None
            arguments[argument.name] = argument.of(body, errors)
        if self._request:
            arguments[self._request] = request
        if self.response:
            arguments[self.response] = Response()
            del arguments[self.response].headers["content-length"]
        return arguments


class _Argument:
    def __init__(self, place: str, field: Any) -> None:
        self.name: str = field.name
        self.alias: str = field.alias
        self._field = field
        self._where = (place,) if place == "body" else (place, field.alias)
        self._is_required: bool = field.field_info.is_required()
        self._default: Any = field.default
        hash(self._default)  # all requests share it: what could be changed, such as a list, raises TypeError here

    def of(self, given: Any, errors: _Errors) -> Any:
        """What the handler gets; None of what is wrong, which is added to the errors."""
        if given is not None:
            value, found = self._field.validate(given, loc=self._where)
            errors.extend(found)
            return value
        if self._is_required:
            errors.append({"type": "missing", "loc": self._where, "msg": "Field required", "input": None})
        return self._default
