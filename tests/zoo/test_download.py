"""Downloads are verified, whole or not at all, and offline there is a way; one local server."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from napari_sr.zoo import download
from napari_sr.zoo.download import DownloadError, cache_folder, fetch, local_path
from napari_sr.zoo.registry import entries, find

CONTENT = bytes(range(256)) * 1000


class Server:
    """What the next requests get: all of `content`, or fewer bytes than promised, or a status."""

    def __init__(self):
        self.content, self.cut, self.status, self.requests = CONTENT, 0, 200, 0

    def handler(self):
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.requests += 1
                self.send_response(server.status)
                self.send_header("Content-Length", str(len(server.content)))
                if server.status == 302:
                    self.send_header("Location", "/again")
                self.end_headers()
                self.wfile.write(server.content[: len(server.content) - server.cut])

            def log_message(self, *arguments):
                pass

        return Handler


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("NAPARI_SR_CACHE", str(folder))
    monkeypatch.delenv("NAPARI_SR_WEIGHTS", raising=False)
    return folder


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    served = Server()
    http = ThreadingHTTPServer(("127.0.0.1", 0), served.handler())
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    served.url = f"http://127.0.0.1:{http.server_port}/some/net.pth"
    yield served
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def entry(server):
    return dataclasses.replace(
        find("rfdn-x4"),
        url=server.url,
        size=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )


def left(folder):
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


def test_a_download_arrives_whole_and_reports_its_bytes(cache, entry):
    reports = []

    path = fetch(entry, lambda done, total: reports.append((done, total)))

    assert path == cache / entry.file
    assert path.read_bytes() == CONTENT
    assert left(cache) == [entry.file]
    assert len(reports) > 2
    assert reports == sorted(reports)
    assert reports[-1] == (len(CONTENT), len(CONTENT))


def test_what_is_there_is_not_downloaded_again(cache, entry, server):
    fetch(entry)

    assert fetch(entry) == local_path(entry) == cache / entry.file
    assert server.requests == 1


def test_a_damaged_file_in_the_cache_is_downloaded_again(cache, entry):
    cache.mkdir()
    (cache / entry.file).write_bytes(CONTENT[:-1] + b"?")

    assert local_path(entry) is None
    assert fetch(entry).read_bytes() == CONTENT


def test_a_file_that_changes_after_it_was_checked_is_noticed(cache, entry):
    path = fetch(entry)
    assert local_path(entry) == path

    path.write_bytes(CONTENT[:-1] + b"?")

    assert local_path(entry) is None


def test_a_change_within_one_tick_of_the_clock_is_noticed(cache, entry):
    path = fetch(entry)
    before = path.stat()
    assert local_path(entry) == path

    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert local_path(entry) is None


def test_the_hash_of_a_file_that_rests_is_computed_once(cache, entry, monkeypatch, replace_time):
    path = fetch(entry)
    hashed = []
    real = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *rest: hashed.append(1) or real(*rest))
    replace_time(download, time=lambda: path.stat().st_ctime + 60)

    for _ in range(3):
        assert local_path(entry) == path

    assert hashed == [1]


def test_a_pipe_in_a_mirror_is_not_waited_for(cache, entry, tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setenv("NAPARI_SR_WEIGHTS", str(tmp_path))

    assert local_path(entry) is None


def test_more_bytes_than_the_registry_knows_leave_nothing_behind(cache, entry, server):
    server.content = CONTENT * 2

    with pytest.raises(DownloadError, match=r"the server sends 512000 bytes instead of 256000"):
        fetch(entry)

    assert left(cache) == []


def test_ctrl_c_leaves_nothing_behind(cache, entry):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(entry, interrupt)

    assert left(cache) == []


def test_a_server_that_redirects_for_ever_is_told(cache, entry, server):
    server.status = 302

    with pytest.raises(DownloadError, match="the server redirects more than 5 times"):
        fetch(entry)

    assert left(cache) == []


def test_other_bytes_than_meant_leave_nothing_behind(cache, entry, server):
    server.content = CONTENT[::-1]

    with pytest.raises(DownloadError, match=rf"does not have the sha256 {entry.sha256}"):
        fetch(entry)

    assert left(cache) == []


def test_a_download_that_breaks_off_leaves_nothing_and_a_retry_works(cache, entry, server):
    server.cut = 1000
    with pytest.raises(DownloadError, match=r"the connection was lost; try again"):
        fetch(entry)
    assert left(cache) == []
    server.cut = 0

    assert fetch(entry).read_bytes() == CONTENT


def test_a_server_that_answers_with_an_error_is_quoted(cache, entry, server):
    server.status = 404

    with pytest.raises(DownloadError, match=r"the server answers 404"):
        fetch(entry)

    assert left(cache) == []


def test_offline_the_error_names_the_address_and_both_ways_out(cache, entry):
    nobody = dataclasses.replace(entry, url="http://127.0.0.1:9/net.pth")

    with pytest.raises(DownloadError) as told:
        fetch(nobody)

    message = str(told.value)
    assert message.startswith(f"could not download {entry.name} (0.3 MB) from {nobody.url}")
    assert "no connection" in message
    assert "NAPARI_SR_WEIGHTS" in message
    assert str(cache / entry.file) in message
    assert "\n" not in message


def test_a_cache_that_cannot_be_written_is_named(monkeypatch, entry, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NAPARI_SR_CACHE", str(tmp_path / "file"))

    with pytest.raises(DownloadError, match=rf"{tmp_path / 'file'} cannot be written"):
        fetch(entry)


def test_a_report_that_raises_ends_the_download_and_leaves_nothing(cache, entry):
    def stop(done, total):
        raise InterruptedError("enough")

    with pytest.raises((InterruptedError, DownloadError)):
        fetch(entry, stop)

    assert left(cache) == []


def test_a_mirror_is_searched_by_content_at_any_depth(cache, entry, server, tmp_path, monkeypatch):
    deep = tmp_path / "mirror" / "deep"
    deep.mkdir(parents=True)
    (deep / "of the right size").write_bytes(CONTENT[::-1])
    (deep / "whatever").write_bytes(CONTENT)
    monkeypatch.setenv("NAPARI_SR_WEIGHTS", str(tmp_path / "mirror"))

    assert fetch(entry) == local_path(entry) == deep / "whatever"
    assert server.requests == 0
    assert left(cache) == []


@pytest.mark.parametrize("name", [entry.name for entry in entries() if entry.url is not None])
def test_the_folder_of_real_files_is_a_mirror_of_all_downloads(name, cache, shared, monkeypatch):
    monkeypatch.setenv("NAPARI_SR_WEIGHTS", str(shared / "weights"))

    path = local_path(find(name))

    assert path is not None
    assert path.is_relative_to(shared)


def test_what_ships_needs_neither_cache_nor_network(monkeypatch):
    monkeypatch.setenv("NAPARI_SR_CACHE", "/dev/null")

    path = fetch(find(None))

    assert path.is_file()
    assert path.is_relative_to(download.SHIPPED)


def test_the_cache_can_be_moved_and_is_the_users_by_default(monkeypatch, tmp_path):
    monkeypatch.setenv("NAPARI_SR_CACHE", "~/elsewhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "elsewhere"
    monkeypatch.setenv("NAPARI_SR_CACHE", "~no such user/elsewhere")
    assert cache_folder().name == "elsewhere"

    monkeypatch.delenv("NAPARI_SR_CACHE")

    assert "napari-sr" in str(cache_folder())


def test_importing_and_listing_touch_no_network_and_no_torch():
    code = (
        "import sys, socket\n"
        "def refuse(*arguments, **keywords): raise SystemExit('the network was touched')\n"
        "socket.socket.connect = refuse\n"
        "from napari_sr.zoo import download, registry\n"
        "[download.local_path(entry) for entry in registry.entries()]\n"
        "sys.exit('torch' in sys.modules or 'requests' in sys.modules)\n"
    )

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert result.returncode == 0, result.stderr
