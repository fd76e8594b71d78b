"""The yardstick of `api.py`: FastAPI on Granian that answers from memory, and does nothing else."""

import os
from pathlib import Path

from fastapi import FastAPI, Request, Response

app = FastAPI(openapi_url=None)
_ANSWERS = Path(os.environ["BARE_ANSWERS"])
_LIST = (_ANSWERS / "list.json").read_bytes()
_CREATED = (_ANSWERS / "created.json").read_bytes()


@app.get("/list")
async def list_items() -> Response:
    return Response(_LIST, media_type="application/json")


@app.post("/create")
async def create_item(request: Request) -> Response:
    await request.body()
    return Response(_CREATED, 201, media_type="application/json")
