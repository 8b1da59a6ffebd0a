import gc
import time

from dashboard import pauses


def test_what_is_there_is_passed_over_by_the_collector(monkeypatch):
    monkeypatch.setattr(pauses, "_pauses", lambda: iter([0.0]))
    kept = [{"a": [number]} for number in range(50_000)]
    try:
        pauses._go_on()
        assert gc.get_freeze_count() > len(kept)
        start = time.perf_counter()
        gc.collect()
        frozen = time.perf_counter() - start
        gc.unfreeze()
        start = time.perf_counter()
        gc.collect()
        assert frozen < time.perf_counter() - start
    finally:
        gc.unfreeze()


def test_it_looks_again_soon_and_then_now_and_then():
    found = [pause for pause, _ in zip(pauses._pauses(), range(6), strict=False)]
    assert found == [3.0, 15.0, 60.0, 600.0, 600.0, 600.0]
