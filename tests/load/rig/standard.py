"""The standard measurement: one table, the same for every version and every machine."""

from typing import Any

from rig.bench import Bench
from rig.load import Report, cpu_per_1000, faults
from rig.report import table
from rig.steady import others_share

WINDOWS = (1, 16)
RATES = (200, 1_000, 3_000)
SESSIONS = 1_000


def measure(bench: Bench) -> list[dict[str, Any]]:
    """Each on a new server, so that none has to carry what came before it."""
    found = []
    for window in (1,) if bench.quick else WINDOWS:
        for reads in (False, True):
            name = f"window {window}{', read' if reads else ''}"
            more = ("--read",) if reads else ()
            report = bench.alone(name, lambda url, window=window, more=more: bench.load.chat([url], window, *more))
            found.append(_exchange(name, report))
    for rate in (100,) if bench.quick else RATES:
        report = bench.alone(f"{rate:,}/s", lambda url, rate=rate: bench.load.rate([url], rate))
        found.append(_exchange(f"rate {rate:,}/s", report))
    sessions, times = (100, (1.0, 1.0)) if bench.quick else (SESSIONS, (5.0, 5.0))
    report = bench.alone(f"{sessions:,} idle", lambda url: bench.load.idle([url], sessions, *times))
    found.append(_idle(f"idle {sessions:,}", report))
    return found


def _exchange(name: str, report: Report) -> dict[str, Any]:
    receipts, receiving = report["delivered_after"], report["received_after"]
    return {
        "name": name,
        "receipted_per_second": report["receipted"]["per_second"],
        "receipt_p50_ms": receipts and receipts["p50_ms"],
        "receipt_p99_ms": receipts and receipts["p99_ms"],
        "received_p50_ms": receiving and receiving["p50_ms"],
        "server_cpu_s_per_1000": cpu_per_1000(report),
        "others_share": others_share(report["processors"]),
        "faults": faults(report),
        "report": report,
    }


def _idle(name: str, report: Report) -> dict[str, Any]:
    return {
        "name": name,
        "kib_per_session": report["resident_kib_per_session"],
        "cpu_ms_per_log_in": report["cpu_ms_per_log_in"],
        "idle_cpu_ms_per_second": report["idle_cpu_ms_per_second"],
        "others_share": others_share(report["processors"]),
        "report": report,
    }


COLUMNS = {
    "": "name",
    "receipted/s": "receipted_per_second",
    "receipt p50 ms": "receipt_p50_ms",
    "receipt p99 ms": "receipt_p99_ms",
    "server CPU s per 1,000": "server_cpu_s_per_1000",
    "KiB per session": "kib_per_session",
    "CPU ms per log-in": "cpu_ms_per_log_in",
    "others' CPU": "others_share",
    "faults": "faults",
}


def as_table(rows: list[dict[str, Any]]) -> str:
    """For people."""

    def shown(row: dict[str, Any], key: str) -> object:
        value = row.get(key)
        return f"{value:.0%}" if key == "others_share" and value is not None else value

    return table(list(COLUMNS), [[shown(row, key) for key in COLUMNS.values()] for row in rows])
