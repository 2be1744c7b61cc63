"""thumbor from PyPI, in virtual environments outside the project: with Pillow, and with pillow-simd in its place."""

from pathlib import Path

from benchmarks.contender import Contender, Setting
from benchmarks.jobs import Ask
from benchmarks.peers.installation import install_once, install_python_packages, make_venv, run_pip

_THUMBOR = "thumbor==7.8.*"
_PILLOW_SIMD = "pillow-simd==12.1.1.post0"
_FEATURES = ("webp", "lcms")  # without the second thumbor does not start; AVIF where the system's libavif is new enough


def prepare_thumbor(setting: Setting) -> Contender:
    """Raises Unavailable."""
    venv = setting.cache / "thumbor-venv"
    install_python_packages(venv, _THUMBOR)
    return _contender("thumbor", venv, setting)


def prepare_thumbor_simd(setting: Setting) -> Contender:
    """Raises Unavailable, also where there is no compiler, or the headers of libjpeg, zlib, libwebp or lcms are not."""
    venv = setting.cache / "thumbor-simd-venv"
    install_once(venv, f"{_THUMBOR} {_PILLOW_SIMD}", lambda: _install_with_simd(venv))
    return _contender("thumbor-simd", venv, setting)


def _install_with_simd(venv: Path) -> None:
    make_venv(venv)
    # Both packages are named PIL within, so the one thumbor requires has to go before the other comes.
    run_pip(venv, "install", _THUMBOR)
    run_pip(venv, "uninstall", "--yes", "pillow")
    features = [word for feature in _FEATURES for word in ("--config-settings", f"{feature}=enable")]
    # Its README, "Installation": SSE4 unless the compiler is told that it may use AVX2.
    compiler = "cc -mavx2" if "avx2" in Path("/proc/cpuinfo").read_text().split() else "cc"
    run_pip(
        venv,
        "install",
        "--no-deps",
        "--no-binary",
        "pillow-simd",
        *features,
        _PILLOW_SIMD,
        environment={"CC": compiler},
    )


def _contender(name: str, venv: Path, setting: Setting) -> Contender:
    configuration = setting.scratch / "thumbor.conf"
    _write_configuration(configuration, setting)
    return Contender(
        name=name,
        command=(
            *(str(venv / "bin" / "thumbor"), "--ip", "127.0.0.1", "--port", str(setting.port)),
            *("--conf", str(configuration), "--log-level", "error"),
        ),
        ready_path="/healthcheck",
        target=_target,
        setting=setting,
    )


def _target(name: str, ask: Ask) -> str:
    filters = [f"format({'jpeg' if ask.extension == 'jpg' else ask.extension})"]
    if ask.extension != "png":
        filters.append(f"quality({ask.quality})")
    if ask.extension == "jpg" and name.endswith(".png"):
        filters.insert(0, "background_color(white)")
    return f"/unsafe/{ask.width}x0/filters:{':'.join(filters)}/{name}"


def _write_configuration(path: Path, setting: Setting) -> None:
    """Originals from a folder, any URL served unsigned."""
    lines = [
        "LOADER = 'thumbor.loaders.file_loader'",
        f"FILE_LOADER_ROOT_PATH = {str(setting.originals[0].parent)!r}",
        "STORAGE = 'thumbor.storages.no_storage'",
        "ALLOW_UNSAFE_URL = True",
        # Not --processes: whichever of them wakes first accepts all connections that wait, so the others stay idle.
        f"ENGINE_THREADPOOL_SIZE = {setting.render_processes}",
        "MAX_PIXELS = 100_000_000",  # as imgsvc's limit; thumbor's own is 75 megapixels
    ]
    if setting.keep_results:
        lines += [
            "RESULT_STORAGE = 'thumbor.result_storages.file_storage'",
            f"RESULT_STORAGE_FILE_STORAGE_ROOT_PATH = {str(setting.scratch / 'results')!r}",
            "RESULT_STORAGE_STORES_UNSAFE = True",
        ]
    path.write_text("\n".join(lines) + "\n")
