import subprocess
import sys

from napari_sr.engine.planning.settings import Settings


def test_settings_bring_no_torch():
    code = "import sys, napari_sr.engine.planning.settings; print('torch' in sys.modules)"

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert printed.stdout.strip() == "False"


def test_equal_settings_are_one_key():
    assert hash(Settings(tile=64)) == hash(Settings(tile=64))
    assert Settings(tile=64) != Settings(tile=64, halo=8)


def test_a_record_leaves_out_what_asks_for_more_than_the_result():
    kept = Settings(tile=64, ensemble=True, spread=True, unrounded=True).of_result

    assert (kept["tile"], kept["ensemble"]) == (64, True)
    assert not {"spread", "unrounded"} & set(kept)
