"""The route that takes uploads: one file a request, streamed to the disk, whatever its size."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.domain.errors import BadInput
from core.workspace.uploads import Upload, Uploads
from dashboard import state

_BLOCK = 1 << 20  # bytes gathered before a thread writes them


async def receive(request: Request) -> Response:
    """Take the body as the file that ``name`` says, into the batch of the path.

    Raises:
        BadInput: the file is not taken; the text says why.
    """
    name = request.query_params.get("name", "")
    uploads: Uploads = state.workspace().uploads
    try:
        size = int(request.headers.get("content-length", "0"))
    except ValueError:
        raise BadInput("The upload's length is not a number.") from None
    with uploads.receive(request.path_params["batch"], name, size) as upload:
        written, block = 0, bytearray()
        async for chunk in request.stream():
            block += chunk
            written += len(chunk)
            if written > upload.limit:
                raise BadInput(f"{name!r} is larger than {upload.limit // 2**20:,} MB.")
            if len(block) >= _BLOCK:
                await _write(upload, block)
                block = bytearray()
        await _write(upload, block)
    return JSONResponse({"bytes": written}, headers={"Cache-Control": "no-store"})


async def _write(upload: Upload, block: bytearray) -> None:
    if block:
        await run_in_threadpool(upload.file.write, bytes(block))
