"""The sandbox for a server process of its own: started by granian, told by the environment where its rows are."""

import os

from pretending import mounted
from starlette.applications import Starlette

from amp.kit.clock import RealClock
from amp.kit.database import open_database


def create() -> Starlette:
    return mounted(open_database(os.environ["SANDBOX_DATABASE_URL"], pool_size=5), RealClock())
