"""The page at `/`: plain HTML, CSS and ES modules out of the package, and nothing from anywhere else."""

from importlib import resources

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opsloop_sandbox.refusal import not_found

TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def routes() -> list[Route]:
    return [Route("/", _index, methods=["GET"]), Route("/page/{name}", _file, methods=["GET"])]


async def _index(request: Request) -> Response:
    return _served("index.html")


async def _file(request: Request) -> Response:
    return _served(request.path_params["name"])


def _served(name: str) -> Response:
    """`name` is one path segment; only what lies in the folder by exactly this name is served."""
    kind = TYPES.get(name.rpartition(".")[2])
    found = next(
        (file for file in resources.files("opsloop_sandbox").joinpath("page").iterdir() if file.name == name), None
    )
    if kind is None or found is None:
        raise not_found("no_such_file", f"the page has no file {name!r}")
    return Response(found.read_bytes(), media_type=kind, headers=HEADERS)
