"""Downloads from a hub that misbehaves."""

from __future__ import annotations

import hashlib
import logging
import shutil
import socket
import threading
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import close_session, constants, scan_cache_dir, snapshot_download

from mmgpt_desktop.cancel import CancelToken
from mmgpt_desktop.errors import Cancelled, DownloadError
from mmgpt_desktop.hub import cache
from mmgpt_desktop.hub.cache import Hub, Phase, Progress
from mmgpt_desktop.hub.catalogue import CatalogueEntry, read_catalogue
from mmgpt_desktop.hub.download import fetch
from tests.hub_server import COMMIT, FILES, REPOSITORY, HubServer, Misbehaviour, running_hub

WEIGHTS = FILES["model.safetensors"]
MOST = len(WEIGHTS) * 9 // 10
TOKEN = "hf_" + "secret" * 5
ENTRY = CatalogueEntry(REPOSITORY, "Tiny", "idefics3", "Apache-2.0", 0.001, "For tests.")
GATED = CatalogueEntry(REPOSITORY, "Tiny", "idefics3", "Terms", 0.001, "For tests.", gated=True)


@pytest.fixture
def server() -> Iterator[HubServer]:
    with running_hub() as running:
        yield running
    close_session()  # it is shared by the whole process, and keeps connections


@pytest.fixture
def hub(server: HubServer, tmp_path: Path) -> Hub:
    return Hub(tmp_path / "hub", server.endpoint, TOKEN, timeout_s=20, pause_s=0.01, tries=2)


@pytest.fixture
def hasty(hub: Hub) -> Hub:
    """It waits only a moment for a server that went silent."""
    return replace(hub, timeout_s=1.0)


def fetched(hub: Hub, entry: CatalogueEntry = ENTRY) -> Path:
    return fetch(hub, entry, CancelToken(), lambda _progress: None)


def failure(hub: Hub, entry: CatalogueEntry = ENTRY) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        fetched(hub, entry)
    return caught.value


def download_that_is_cancelled(hub: Hub, cancel: CancelToken) -> threading.Thread:
    def run() -> None:
        with pytest.raises(Cancelled):
            fetch(hub, ENTRY, cancel, lambda _progress: None)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_only_safe_files_come_and_all_programs_find_them(hub: Hub) -> None:
    path = fetched(hub)
    assert sorted(each.name for each in path.iterdir()) == [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    ]
    assert (path / "model.safetensors").read_bytes() == WEIGHTS
    assert cache.find(hub, ENTRY) == path
    found = snapshot_download(REPOSITORY, cache_dir=hub.cache, local_files_only=True)
    assert Path(found) == path
    assert not scan_cache_dir(hub.cache).warnings


def test_progress_rises_to_the_whole(hub: Hub) -> None:
    seen: list[Progress] = []
    fetch(hub, ENTRY, CancelToken(), seen.append)
    assert seen[0] == Progress(Phase.ASKING)
    loading = [each.done for each in seen if each.phase is Phase.LOADING]
    assert loading == sorted(loading)
    assert all(each.done <= each.total for each in seen)


def test_a_connection_cut_at_90_percent_goes_on_by_itself(server: HubServer, hub: Hub) -> None:
    server.misbehave("model.safetensors", Misbehaviour(cut=MOST))
    assert (fetched(hub) / "model.safetensors").read_bytes() == WEIGHTS
    assert server.ranges("model.safetensors") == ["", f"bytes={MOST}-"]


def test_a_server_that_goes_silent_ends_it_and_the_next_time_goes_on(
    server: HubServer, hasty: Hub
) -> None:
    silent = Misbehaviour(stall=0)
    server.misbehave("model.safetensors", Misbehaviour(stall=MOST), silent, silent)
    seen: list[Progress] = []
    with pytest.raises(DownloadError) as caught:
        fetch(hasty, ENTRY, CancelToken(), seen.append)
    assert caught.value.title == "The connection to 127.0.0.1 broke off."
    assert "goes on from there" in caught.value.hint
    assert Phase.WAITING in {each.phase for each in seen}
    assert cache.find(hasty, ENTRY) is None
    assert cache.kept_bytes(hasty, ENTRY) >= MOST
    assert (fetched(hasty) / "model.safetensors").read_bytes() == WEIGHTS
    assert server.ranges("model.safetensors")[-1] == f"bytes={MOST}-"


def test_a_server_that_ignores_ranges_starts_the_file_anew(server: HubServer, hub: Hub) -> None:
    behaviours = (Misbehaviour(cut=MOST), Misbehaviour(ignore_range=True))
    server.misbehave("model.safetensors", *behaviours)
    assert (fetched(hub) / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
@pytest.mark.parametrize("how", [Misbehaviour(damage=True), Misbehaviour(endless=True)])
def test_a_damaged_file_is_said_and_thrown_away(
    server: HubServer, hub: Hub, name: str, how: Misbehaviour
) -> None:
    server.misbehave(name, how)
    assert failure(hub).title == f"{name} of Tiny arrived damaged: its checksum is wrong."
    assert cache.find(hub, ENTRY) is None
    assert (fetched(hub) / name).read_bytes() == FILES[name]


def test_what_is_here_is_not_asked_for_again(server: HubServer, hub: Hub) -> None:
    fetched(hub)
    server.asked.clear()
    fetched(hub)
    assert [path for path, _ in server.asked] == [f"/api/models/{REPOSITORY}"]


def test_the_window_cancels_in_mid_file(server: HubServer, hasty: Hub) -> None:
    server.misbehave("model.safetensors", Misbehaviour(stall=MOST))
    cancel = CancelToken()
    thread = download_that_is_cancelled(hasty, cancel)
    assert server.stalled.wait(60)
    cancel.cancel()
    thread.join(60)
    assert not thread.is_alive()


def test_cancelling_while_it_waits_keeps_what_came(server: HubServer, hasty: Hub) -> None:
    server.misbehave("model.safetensors", Misbehaviour(stall=MOST))
    cancel = CancelToken()

    def stop_waiting(progress: Progress) -> None:
        if progress.phase is Phase.WAITING:
            cancel.cancel()

    with pytest.raises(Cancelled):
        fetch(hasty, ENTRY, cancel, stop_waiting)
    assert cache.kept_bytes(hasty, ENTRY) >= MOST


@pytest.mark.parametrize(
    ("name", "how", "entry", "said"),
    [
        ("", Misbehaviour(404), ENTRY, f"127.0.0.1 has no model {REPOSITORY}"),
        (
            "",
            Misbehaviour(401, {"X-Error-Code": "RepoNotFound"}),
            ENTRY,
            f"127.0.0.1 has no model {REPOSITORY}",
        ),
        ("", Misbehaviour(401), ENTRY, "127.0.0.1 refused the download (401)"),
        ("", Misbehaviour(403), ENTRY, "127.0.0.1 refused the download (403)"),
        ("", Misbehaviour(429), ENTRY, "127.0.0.1 asks to wait: "),
        ("", Misbehaviour(503), ENTRY, "127.0.0.1 can't answer just now (503)."),
        ("config.json", Misbehaviour(401), GATED, "Tiny is handed out only to people"),
        (
            "config.json",
            Misbehaviour(403, {"X-Error-Code": "GatedRepo"}),
            ENTRY,
            "Tiny is handed out only to people",
        ),
        (
            "model.safetensors",
            Misbehaviour(429, {"Retry-After": "30"}),
            ENTRY,
            "127.0.0.1 asks to wait for 30 seconds",
        ),
    ],
)
def test_each_refusal_is_one_sentence(
    server: HubServer, hub: Hub, name: str, how: Misbehaviour, entry: CatalogueEntry, said: str
) -> None:
    server.misbehave(name, how)
    error = failure(hub, entry)
    assert error.title.startswith(said)
    assert error.hint


@pytest.mark.parametrize("text", ["<html>log in</html>", "[]", '{"id": "x", "sha": "../../x"}'])
def test_a_list_that_is_none_is_said(server: HubServer, hub: Hub, text: str) -> None:
    server.listing_text = text
    assert failure(hub).title.startswith("127.0.0.1 sent something that is not what was asked for")


def test_a_checksum_can_not_name_a_place_on_the_disk(server: HubServer, hub: Hub) -> None:
    text = server.listing().decode()
    server.listing_text = text.replace(hashlib.sha256(WEIGHTS).hexdigest(), "../../../evil")
    assert "without their checksums" in failure(hub).title
    assert not hub.cache.exists()


def test_a_model_of_pickles_only_is_refused(server: HubServer, hub: Hub) -> None:
    del server.files["model.safetensors"]
    assert "weights that can be opened safely" in failure(hub).title


def test_no_network_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        error = failure(Hub(tmp_path, endpoint))
    assert error.title == "127.0.0.1 can't be reached: there is no network, or something blocks it."


def test_offline_mode_is_said_at_once(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE" in failure(hub).title


def test_a_disk_that_is_too_small_is_said_before_anything_comes(
    server: HubServer, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(hub.cache.parent)._replace(free=150_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    error = failure(hub)
    assert error.title == "Tiny needs 201 MB more on the disk, and 150 MB are free."
    assert server.ranges("model.safetensors") == []


def test_a_disk_that_fills_up_is_said(hub: Hub) -> None:
    blobs = hub.folder(ENTRY) / "blobs"
    blobs.mkdir(parents=True)
    name = hashlib.sha256(WEIGHTS).hexdigest() + ".mmgpt-desktop.incomplete"
    (blobs / name).symlink_to("/dev/full")
    assert failure(hub).title == "The disk is full, so Tiny could not be stored."


def test_a_file_in_the_place_of_the_cache_is_said(hub: Hub) -> None:
    hub.cache.write_text("")
    assert failure(hub).title.startswith("Tiny could not be stored in")


def test_two_windows_do_not_write_one_file(server: HubServer, hasty: Hub) -> None:
    server.misbehave("model.safetensors", Misbehaviour(stall=MOST))
    cancel = CancelToken()
    thread = download_that_is_cancelled(hasty, cancel)
    assert server.stalled.wait(60)
    assert failure(hasty).title == "Tiny is being downloaded by another window already."
    cancel.cancel()
    thread.join()


def test_the_token_goes_to_the_hub_alone(server: HubServer, hub: Hub) -> None:
    with running_hub() as storage:
        server.redirect_to = storage.endpoint
        fetched(hub)
        assert {headers.get("authorization") for _, headers in server.asked} == {f"Bearer {TOKEN}"}
        assert storage.asked
        assert all("authorization" not in headers for _, headers in storage.asked)


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_the_token_is_never_told(
    server: HubServer, hub: Hub, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    server.misbehave("model.safetensors", Misbehaviour(status))
    with caplog.at_level(logging.DEBUG):
        error = failure(hub)
    told = "".join(traceback.format_exception(error)) + caplog.text + repr(hub)
    assert "secret" not in told


def test_deleting_leaves_nothing(hub: Hub) -> None:
    fetched(hub)
    cache.delete(hub, ENTRY)
    cache.delete(hub, ENTRY)
    assert cache.find(hub, ENTRY) is None
    assert cache.kept_bytes(hub, ENTRY) == 0


def test_without_its_shards_a_model_is_not_here(hub: Hub) -> None:
    path = fetched(hub)
    index = path / "model.safetensors.index.json"
    index.write_text('{"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}')
    assert cache.find(hub, ENTRY) is None
    for odd in ("{", "[]", '{"weight_map": [["a"]]}', "[" * 100_000, " " * (17 << 20) + "{}"):
        index.write_text(odd)
        assert cache.find(hub, ENTRY) is None
    index.unlink()
    assert cache.find(hub, ENTRY) == path
    main = hub.folder(ENTRY) / "refs" / "main"
    for odd_name in (b"\xff\xfe", b"x" * 9000):
        main.write_bytes(odd_name)
        assert cache.find(hub, ENTRY) is None
    main.write_text(COMMIT)
    (hub.folder(ENTRY) / "blobs" / hashlib.sha256(WEIGHTS).hexdigest()).unlink()
    assert cache.find(hub, ENTRY) is None


def test_the_catalogue_can_be_read() -> None:
    entries = read_catalogue()
    assert len({entry.key for entry in entries}) == len(entries) >= 10
    for entry in entries:
        assert entry.repository.count("/") == 1
        assert entry.memory_gigabytes > entry.gigabytes > 0
        graphs = any(pattern.endswith(".onnx") for pattern in entry.weights)
        assert entry.wants("model-00001-of-00002.safetensors") != (graphs or entry.draws)
        assert entry.wants("tokenizer/vocab.json") == entry.draws
        assert entry.wants("onnx/decoder_model_merged_int8.onnx") == graphs
        for path in ("pytorch_model.bin", "modeling.py", "onnx/model.onnx", "../config.json"):
            assert not entry.wants(path)


@pytest.mark.parametrize(
    "path",
    ["..\\config.json", "C:\\x.json", "C:x.json", "/etc/x.json", "a\\b.json", "onnx//x.json"],
)
def test_a_name_that_leads_elsewhere_on_any_system_is_not_fetched(path: str) -> None:
    entry = CatalogueEntry("a/b", "B", "smolvlm", "MIT", 1, "", weights=("*",))
    assert entry.wants("onnx/x.json")
    assert not entry.wants(path)


def test_an_entry_may_name_onnx_files() -> None:
    entry = CatalogueEntry("a/b", "B", "smolvlm", "MIT", 1, "", weights=("onnx/*_q4.onnx*",))
    assert entry.wants("onnx/decoder_model_merged_q4.onnx_data")
    assert not entry.wants("onnx/decoder_model_merged_fp16.onnx")
    assert not entry.wants("model.safetensors")
    assert entry.wants("config.json")


GRAPHS = replace(ENTRY, name="Tiny, ONNX", weights=("onnx/decoder_int8.onnx",))
GRAPH_BYTES = b"graph" * 100


def test_two_models_of_one_repository_do_not_know_each_other(server: HubServer, hub: Hub) -> None:
    server.files |= {
        "onnx/decoder_int8.onnx": GRAPH_BYTES,
        "model.safetensors.index.json": b'{"weight_map": {"a": "model.safetensors"}}',
    }
    assert GRAPHS.key != ENTRY.key
    path = fetched(hub, GRAPHS)
    assert cache.find(hub, GRAPHS) == path
    assert cache.find(hub, ENTRY) is None
    assert cache.kept_bytes(hub, ENTRY) == 0
    assert cache.kept_bytes(hub, GRAPHS) > len(GRAPH_BYTES)
    fetched(hub)
    assert cache.kept_bytes(hub, GRAPHS) < len(WEIGHTS) <= cache.kept_bytes(hub, ENTRY)
    cache.delete(hub, ENTRY)
    assert cache.find(hub, ENTRY) is None
    assert cache.find(hub, GRAPHS) == path
    assert cache.kept_bytes(hub, ENTRY) == 0
    cache.delete(hub, GRAPHS)
    assert not hub.folder(GRAPHS).exists()


def test_their_unfinished_downloads_do_not_know_each_other_either(
    server: HubServer, hub: Hub
) -> None:
    server.files |= {"model-2.safetensors": b"2" * 999, "onnx/decoder_int8.onnx": GRAPH_BYTES}
    for broken_off, name, other in (
        (ENTRY, "model.safetensors", GRAPHS),
        (GRAPHS, "onnx/decoder_int8.onnx", ENTRY),
    ):
        server.misbehave(name, *(Misbehaviour(cut=cut) for cut in (400, 0, 0)))
        failure(hub, broken_off)
        assert cache.kept_bytes(hub, broken_off) > 400
        assert cache.kept_bytes(hub, other) == 0
        cache.delete(hub, other)
        assert cache.kept_bytes(hub, broken_off) > 400, "deleting the other one takes nothing"
        fetched(hub, other)
        cache.delete(hub, broken_off)
        assert cache.kept_bytes(hub, broken_off) == 0
        assert not list(hub.folder(ENTRY).rglob("*.incomplete"))
        assert cache.find(hub, other) is not None
        cache.delete(hub, other)
        assert not hub.folder(ENTRY).exists()


def test_the_commit_is_what_main_names(hub: Hub) -> None:
    assert fetched(hub).name == COMMIT
    assert (hub.folder(ENTRY) / "refs" / "main").read_text() == COMMIT
