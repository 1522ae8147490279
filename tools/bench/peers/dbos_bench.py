"""The peer of `bench workflows`: DBOS Transact doing the same work in one process.

    dbos_bench.py DATABASE_URL RECEIVER_PORT SECONDS NESTED

Prints one JSON object. A workflow of STEPS durable steps whose outputs are as large as ours, by itself and with a call
each; workflows of one step, as fast as they start; the time from a start to the first line of the first step; and NESTED
child workflows of one parent. Starts are function calls here: there is no HTTP request before a workflow as there is with ours.
"""

import http.client
import json
import resource
import sqlite3
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from dbos import DBOS

STEPS = 100
CALLS = 20
TEXT = "x" * 480

url, port, seconds, nested = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
sqlite = url.startswith("sqlite")
# More writers only wait for each other on SQLite.
workers = 8 if sqlite else 32
if sqlite:
    # As our own database file is; DBOS leaves synchronous at its default, FULL.
    sqlite3.connect(url.removeprefix("sqlite:///")).execute("pragma journal_mode = wal")
DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR", "sys_db_pool_size": workers})

local = threading.local()


@DBOS.step()
def compute(number, previous):
    return {"n": number, "text": TEXT, "of": previous}


@DBOS.step()
def call(number):
    if not hasattr(local, "connection"):
        local.connection = http.client.HTTPConnection("127.0.0.1", port)
    local.connection.request("POST", "/", json.dumps({"n": number}), {"Content-Type": "application/json"})
    answer = local.connection.getresponse()
    answer.read()
    return answer.status


@DBOS.workflow()
def computing():
    previous = 0
    for number in range(STEPS):
        previous = compute(number, previous)["n"]
    return previous


@DBOS.workflow()
def calling():
    for number in range(CALLS):
        call(number)
    return CALLS


@DBOS.workflow()
def single(number):
    return compute(number, 0)["n"]


begun = {}


@DBOS.step()
def first(number):
    begun[number] = time.perf_counter()
    return number


@DBOS.workflow()
def timed(number):
    return first(number)


@DBOS.workflow()
def parent(count):
    total = 0
    for chunk in range(0, count, 256):
        handles = [DBOS.start_workflow(single, number) for number in range(chunk, min(chunk + 256, count))]
        total += sum(1 for handle in handles if handle.get_result(polling_interval_sec=0.01) is not None)
    return total


def rate(workflow, pieces, *arguments):
    """Pieces a second, with a worker for each workflow that is under way."""
    deadline = time.perf_counter() + seconds
    started = time.perf_counter()

    def work(_):
        done = 0
        while time.perf_counter() < deadline:
            workflow(*arguments)
            done += pieces
        return done

    with ThreadPoolExecutor(workers) as pool:
        total = sum(pool.map(work, range(workers)))
    return total / (time.perf_counter() - started)


def first_step(per_second):
    handles, sent = [], {}
    started = time.perf_counter()
    for number in range(int(per_second * seconds)):
        time.sleep(max(0, started + number / per_second - time.perf_counter()))
        sent[number] = time.perf_counter()
        handles.append(DBOS.start_workflow(timed, number))
    for handle in handles:
        handle.get_result(polling_interval_sec=0.01)
    delays = sorted(begun[number] - sent[number] for number in sent)
    return [delays[int((len(delays) - 1) * share)] * 1000 for share in (0.5, 0.99)]


def children():
    started = time.perf_counter()
    handle = DBOS.start_workflow(parent, nested)
    assert handle.get_result(polling_interval_sec=0.01) == nested
    return nested / (time.perf_counter() - started)


DBOS.launch()
single(0)
figures = {
    "steps": rate(computing, STEPS),
    "calls": rate(calling, CALLS),
    "starts": rate(single, 1, 0),
    "first": first_step(20),
    "nested": children(),
    "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
}
print(json.dumps(figures), flush=True)
DBOS.destroy()
