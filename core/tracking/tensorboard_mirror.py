"""A run as TensorBoard event files: scalars by epoch, the recipe as text, the confusion matrix as text too."""

import hashlib
from pathlib import Path

from core.tracking.record import Record, moments, series


def mirror(record: Record, where: str) -> str:
    """Write the run's event file into a folder of its name below ``where``, in place of its own earlier one."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    workspace = f"{record.workspace}-{record.key[:8]}"
    folder = Path(where).expanduser() / workspace / record.name
    own = f".{hashlib.sha256(f'{record.key} {record.started}'.encode()).hexdigest()[:12]}"
    earlier = list(folder.glob(f"events.out.tfevents.*{own}"))
    writer = EventFileWriter(str(folder), filename_suffix=own)

    def scalar(name: str, value: float, step: int, at: float) -> None:
        summary = Summary(value=[Summary.Value(tag=name, simple_value=value)])
        writer.add_event(Event(wall_time=at, step=step, summary=summary))

    def text(name: str, words: str) -> None:
        plugin = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
        tensor = TensorProto(
            dtype="DT_STRING",
            string_val=[words.encode("utf-8", "replace")],
            tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)]),
        )
        value = Summary.Value(tag=f"{name}/text_summary", metadata=plugin, tensor=tensor)
        writer.add_event(Event(wall_time=record.ended, step=0, summary=Summary(value=[value])))

    when = moments(record)
    for name, points in series(record).items():
        for epoch, value in points:
            scalar(name, value, epoch, when[epoch])
    for name, value in record.figures.items():
        scalar(name, value, max(when, default=0), record.ended)
    text("recipe", _table(("field", "value"), [(name, str(value)) for name, value in record.params.items()]))
    if record.matrix:
        rows = [(name, *map(str, row)) for name, row in zip(record.classes, record.matrix, strict=True)]
        text("confusion matrix", _table(("label \\ predicted", *record.classes), rows))
    writer.flush()
    writer.close()
    for file in earlier:
        file.unlink(missing_ok=True)
    return str(folder)


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
