"""A broker whose host goes silent: no reset, no end of the connection, only nothing any more."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection, Queue

from idp import broker

SPACE, NEAR, FAR, PORT = "silent-broker", "silent-near", "silent-far", 6399
HERE, THERE = "10.213.77.1", "10.213.77.2"
ENDED = Connection("redis://").connection_errors
NOTICED = 75  # seconds: half a minute of silence, three questions, and the way back

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("redis-server"),
        reason="a host of its own is made in a network namespace, by root",
    ),
]


def run(*commands: str) -> None:
    for command in commands:
        subprocess.run(command.split(), check=True)


class Host:
    """A machine with Redis on it, as far as the network can tell."""

    def start(self) -> None:
        run(
            f"ip netns add {SPACE}", f"ip link add {NEAR} type veth peer name {FAR}", f"ip link set {FAR} netns {SPACE}"
        )
        run(f"ip addr add {HERE}/24 dev {NEAR}", f"ip link set {NEAR} up")
        inside = f"ip netns exec {SPACE}"
        run(f"{inside} ip addr add {THERE}/24 dev {FAR}", f"{inside} ip link set {FAR} up")
        redis = f"{inside} redis-server --port {PORT} --bind {THERE} --protected-mode no --save --appendonly no"
        self._redis = subprocess.Popen(redis.split(), stdout=subprocess.DEVNULL)
        for _ in range(100):
            probe = ["redis-cli", "-h", THERE, "-p", str(PORT), "ping"]
            if subprocess.run(probe, capture_output=True, check=False).stdout == b"PONG\n":
                return
            time.sleep(0.1)
        raise RuntimeError("Redis does not answer")

    def lose_power(self) -> None:
        """The cable goes first, so that nothing of the end is heard."""
        run(f"ip netns exec {SPACE} ip link set {FAR} down")
        self._redis.kill()
        self._redis.wait()
        run(f"ip netns del {SPACE}")  # and what the dead still had to say
        subprocess.run(["ip", "link", "del", NEAR], capture_output=True, check=False)  # it may have gone with the other


@pytest.fixture
def _no_network() -> None:
    """The house's rule that a test stays on loopback, lifted: this network has two ends, and both are here."""


@pytest.fixture
def host() -> Iterator[Host]:
    made = Host()
    made.start()
    try:
        yield made
    finally:
        made.lose_power()


def test_who_waits_for_work_notices_that_the_brokers_host_has_gone(host: Host, tmp_path: Path) -> None:
    """It would wait for two hours at a connection that only it believes in, and its worker with it."""
    url = f"redis://{THERE}:{PORT}/0"
    options = broker.transport_options(url, tmp_path)
    got, arrived = [], threading.Event()

    def take(body: object, message: object) -> None:
        got.append(body)
        message.ack()  # type: ignore[attr-defined]
        arrived.set()

    def work() -> None:  # as a worker does: what ends a connection begins another
        while len(got) < 2:
            try:
                with (
                    Connection(url, transport_options=options) as connection,
                    connection.Consumer(Queue("work"), callbacks=[take]),
                ):
                    while len(got) < 2:
                        connection.drain_events()
            except ENDED:
                time.sleep(1)

    def send(body: str) -> bool:
        arrived.clear()
        with Connection(url, transport_options=options) as connection:
            connection.SimpleQueue("work").put(body)
        return arrived.wait(NOTICED)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    assert send("one")
    time.sleep(2)  # until nothing is on its way: what is sent once more would be answered with a reset
    host.lose_power()
    host.start()
    assert send("two") and got == ["one", "two"]
    worker.join(5)
