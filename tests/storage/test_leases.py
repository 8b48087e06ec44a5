"""A lease's owner is told dead only when its very process is gone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

from storage.leases import is_dead, lease_owner, process_start


def test_this_process_is_alive() -> None:
    assert not is_dead(lease_owner())


def test_a_finished_process_is_dead_and_its_number_used_again_too() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = f"{socket.gethostname()}/{child.pid}/{process_start(child.pid)}"
    assert not is_dead(owner)
    child.communicate()
    assert is_dead(owner)
    assert is_dead(f"{socket.gethostname()}/{os.getpid()}/1")


def test_a_killed_process_is_dead_before_its_parent_collects_it() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = f"{socket.gethostname()}/{child.pid}/{process_start(child.pid)}"
    child.kill()
    ends = time.monotonic() + 30
    while not is_dead(owner):  # the end of a process takes a moment
        assert time.monotonic() < ends
        time.sleep(0.01)
    child.communicate()


def test_owners_of_other_hosts_are_never_called_dead() -> None:
    assert not is_dead("another-host/1/1")
    assert not is_dead("nonsense")
