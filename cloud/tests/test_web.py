"""The web process of head office, started for real."""

from __future__ import annotations

import ssl

import pytest

from cloud.gate.tests.started import call, looked_into, started
from cloud.platform import GATE, program_pair


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("office")


@pytest.fixture(scope="module")
def web(folder):
    with started(folder, "web", "--host", "hq.example") as running:
        yield running


def test_a_stranger_is_sent_to_the_log_in(web):
    reply = call(f"http://{web.address}/")
    assert (reply.status, reply.headers["Location"].split("?")[0]) == (302, "/login")
    page = call(f"http://{web.address}/login")
    assert page.status == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_only_its_own_names_are_answered_to(web):
    for name, status in (("hq.example", 200), ("hq.localhost", 200), ("evil.example", 421)):
        reply = call(f"http://{web.address}/login", headers={"Host": name})
        assert reply.status == status, name


def test_pages_are_served_over_https_with_a_certificate_that_is_given(folder):
    with looked_into(folder) as platform:
        papers = program_pair(platform, GATE)
    words = ("--certificate", str(papers.certificate), "--key", str(papers.key))
    with started(folder, "web", *words) as running:
        trusting = ssl.create_default_context(cafile=papers.ca)
        reply = call(f"https://{running.address}/login", context=trusting)
        assert reply.status == 200
        assert reply.headers["Strict-Transport-Security"].startswith("max-age=")
        with pytest.raises(ssl.SSLCertVerificationError):
            call(f"https://{running.address}/login", context=ssl.create_default_context())


def test_a_program_that_is_told_to_stop_ends_well(folder):
    with started(folder, "web") as running:
        process = running.process
    assert process.returncode == 0
