"""Files as the browser's drop zone sends them."""

import uuid


def drop(uploads, files):
    """A batch of ``files`` (name -> bytes); returns its name."""
    batch = uuid.uuid4().hex
    for name, data in files.items():
        with uploads.receive(batch, name, len(data)) as upload:
            upload.file.write(data)
    return batch
