"""A file of known size comes whole, or not at all, and never for ever; one local server."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from napari_sr.zoo import transfer
from napari_sr.zoo.transfer import Transfer, TransferError

CONTENT = bytes(range(256)) * 400


@pytest.fixture
def serve(monkeypatch):
    """Return a function that starts a server whose answer is a function, and gives its address."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    running = []

    def start(answer):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                with suppress(OSError):  # whoever asked has gone
                    answer(self)

            def log_message(self, *arguments):
                pass

        http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        running.append((http, thread))
        return f"http://127.0.0.1:{http.server_port}/net.pth"

    yield start
    for http, thread in running:
        http.shutdown()
        thread.join()
        http.server_close()


def whole(request, content=CONTENT, **headers):
    request.send_response(200)
    for name, value in headers.items():
        request.send_header(name.replace("_", "-"), value)
    request.end_headers()
    request.wfile.write(content)


def test_pieces_are_written_and_reported_exactly(serve, tmp_path):
    reports = []
    url = serve(lambda request: whole(request, Content_Length=len(CONTENT)))

    Transfer(len(CONTENT), lambda *told: reports.append(told))(url, str(tmp_path / "a"), None)

    assert (tmp_path / "a").read_bytes() == CONTENT
    assert reports[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in reports] == sorted({done for done, _ in reports})


def test_without_a_length_the_size_is_what_is_known(serve, tmp_path):
    Transfer(len(CONTENT))(serve(whole), str(tmp_path / "a"), None)

    assert (tmp_path / "a").read_bytes() == CONTENT


def test_an_endless_answer_ends_at_the_size(serve, tmp_path):
    sent = []

    def endless(request):
        whole(request, b"")
        while True:
            sent.append(request.wfile.write(bytes(10_000)))

    with pytest.raises(TransferError, match="the server sends more than 1000 bytes"):
        Transfer(1000)(serve(endless), str(tmp_path / "a"), None)

    assert (tmp_path / "a").stat().st_size <= 1000
    assert sum(sent) < 20_000_000  # what fits into the sockets' buffers


def test_a_length_beyond_the_size_is_refused_before_anything_is_read(serve, tmp_path):
    url = serve(lambda request: whole(request, Content_Length=len(CONTENT)))

    with pytest.raises(TransferError, match=f"sends {len(CONTENT)} bytes instead of 1000"):
        Transfer(1000)(url, str(tmp_path / "a"), None)

    assert (tmp_path / "a").stat().st_size == 0


def test_a_short_answer_is_told_with_both_numbers(serve, tmp_path):
    with pytest.raises(TransferError, match=r"was lost after 102400 of 102401 bytes"):
        Transfer(len(CONTENT) + 1)(serve(whole), str(tmp_path / "a"), None)


def drip_body(request):
    whole(request, b"", Content_Length=len(CONTENT))
    while True:
        request.wfile.write(b"x")
        time.sleep(0.02)


def drip_headers(request):
    while True:
        request.wfile.write(b"H")
        time.sleep(0.02)


def silence(request):
    time.sleep(3)


@pytest.mark.parametrize("answer", [drip_body, drip_headers, silence])
def test_a_slow_drip_ends(serve, tmp_path, monkeypatch, answer):
    monkeypatch.setattr(transfer, "PATIENCE", 0.3)
    began = time.monotonic()

    with pytest.raises(OSError, match=r"0 of 102400 bytes arrived in|timed out"):
        Transfer(len(CONTENT))(serve(answer), str(tmp_path / "a"), None)

    assert time.monotonic() - began < 2


def test_a_drip_that_keeps_the_least_rate_at_first_ends_too(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "PATIENCE", 0.3)
    monkeypatch.setattr(transfer, "LEAST_RATE", 1 << 18)

    def slowing(request):
        whole(request, CONTENT[:50_000], Content_Length=len(CONTENT))
        time.sleep(0.2)
        request.wfile.write(CONTENT[50_000:60_000])
        time.sleep(3)

    with pytest.raises(OSError, match=r"of 102400 bytes arrived in|timed out"):
        Transfer(len(CONTENT))(serve(slowing), str(tmp_path / "a"), None)


def test_redirects_are_bounded(serve, tmp_path):
    def around(request):
        request.send_response(302)
        request.send_header("Location", "/again")
        request.end_headers()

    with pytest.raises(OSError, match="Exceeded 5 redirects"):
        Transfer(1000)(serve(around), str(tmp_path / "a"), None)


def test_a_report_that_raises_ends_the_reading(serve, tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    before = set(threading.enumerate())
    url = serve(lambda request: whole(request, Content_Length=len(CONTENT)))
    with pytest.raises(KeyboardInterrupt):
        Transfer(len(CONTENT), stop)(url, str(tmp_path / "a"), None)

    deadline = time.monotonic() + 5
    while len(set(threading.enumerate()) - before) > 1 and time.monotonic() < deadline:
        time.sleep(0.01)  # the server's own thread stays
    assert len(set(threading.enumerate()) - before) <= 1
