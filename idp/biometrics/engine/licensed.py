"""A pack that an authority licensed, run by insightface's own ``FaceAnalysis``: SCRFD finds, an ArcFace recognises.

Nothing is downloaded here: ``FaceAnalysis`` gets a directory that was checked, and the add-on is looked for with
downloading switched off.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from idp.biometrics.engine import liveness, pack, quality
from idp.biometrics.engine import providers as execution
from idp.biometrics.engine.alignment import ARCFACE, ARCFACE_SIDE, CHIP, CHIP_SIDE, cut
from idp.biometrics.engine.contract import Sight, UnableToLoadModel
from idp.biometrics.engine.embedded_pack import default_model_dir
from idp.biometrics.engine.face import CENTRES, Box, Face
from idp.biometrics.engine.one_to_one import OneToOne
from idp.biometrics.engine.pictures import RGB
from idp.biometrics.engine.profiles import Q4
from idp.biometrics.engine.templates import UNCALIBRATED, Embedding, Thresholds, score_of
from idp.protocol.refusals import Reason, Refusal

SAME_COSINE: Final = 0.2  # within a sitting; below it the person was changed
DETECTION: Final = 0.5  # SCRFD's score from which a face counts; insightface's default
ADDON: Final = "liveness"


class LicensedEngine(OneToOne):
    """`FaceEngine` of the pack in ``directory``. Raises `UnableToLoadModel` where the pack does not hold or load."""

    profile: str = Q4.name
    thresholds: Thresholds = UNCALIBRATED
    same_score: float = score_of(1 - SAME_COSINE)

    def __init__(
        self,
        directory: Path,
        *,
        model_dir: Path | None = None,
        providers: Sequence[str] = ("cpu",),
        minimums: Mapping[str, float] = quality.DEFAULT_MINIMUMS,
        minimum_liveness: float = liveness.MINIMUM,
    ) -> None:
        super().__init__(minimums=minimums, minimum_liveness=minimum_liveness)
        checked = pack.check(directory)
        self.model = checked.model
        app = analysis(directory, root=model_dir or default_model_dir(), providers=execution.names(providers))
        for task, name in checked.tasks.items():
            if task in app.models and Path(app.models[task].model_file).resolve() != (directory / name).resolve():
                raise UnableToLoadModel(f"insightface took another file of {directory} for {task} than {name}")
        self._detection: Any = app.models["detection"]
        self._recognition: Any = app.models["recognition"]
        self._addon: Any = app.addons.get(ADDON)

    @property
    def has_passive(self) -> bool:
        """Whether the add-on for liveness was found."""
        return self._addon is not None

    def embed(self, sight: Sight) -> Embedding:
        """See `FaceEngine.embed`: 512 components, compared by cosine."""
        crop = cut(sight.picture, sight.face.points, ARCFACE, ARCFACE_SIDE)
        features = self._recognition.get_feat(np.ascontiguousarray(crop[:, :, ::-1]))  # which takes BGR
        return np.asarray(features, dtype=np.float32).reshape(Q4.dimensions)

    def passive(self, sight: Sight) -> float | None:
        """See `FaceEngine.passive`: insightface's add-on, its score as it is."""
        if self._addon is None:
            return None
        found = self._addon.predict(_blue_first(sight.picture), sight.face.points)
        if found["status"] != "ok":  # input_rejected: too much of its crop lies outside of the picture
            raise Refusal(Reason.FACE_LOW_QUALITY, "move_into_the_picture")
        return float(found["live_score"])

    def _faces(self, picture: RGB, *, enrolling: bool) -> list[Face]:
        boxes, points = self._detection.detect(_blue_first(picture))
        found = [_face(box, five) for box, five in zip(boxes, points, strict=True) if np.isfinite(box).all()]
        return sorted((face for face in found if _is_upright(face)), key=lambda face: -face.box.area)

    def _chip(self, picture: RGB, face: Face) -> RGB:
        return cut(picture, face.points, CHIP, CHIP_SIDE)


def analysis(directory: Path, *, root: Path, providers: list[str]) -> Any:
    """insightface's ``FaceAnalysis`` of a directory that `pack.check` has passed, ready for use.

    The add-on is taken from ``root``/addons where it lies. Raises `UnableToLoadModel` for networks of other shapes.
    """
    from insightface.app import FaceAnalysis  # half a second: only when needed

    build: Any = FaceAnalysis
    settings: dict[str, Any] = {"providers": providers, "sess_options": execution.options()}
    try:
        app = build(name=str(directory), allowed_modules=list(pack.TASKS), **settings)
        app.prepare(ctx_id=0, det_thresh=DETECTION)
        app.addons.update(_addons(root, settings))
    except Exception as error:  # assertions, ONNX Runtime's own errors, and what numpy says of odd shapes
        raise UnableToLoadModel(f"insightface does not load {directory}: {error}") from error
    _require_shapes(app, directory)
    for model in [*app.models.values(), *app.addons.values()]:
        execution.require(model.session, providers)
    return app


def _addons(root: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """As ``FaceAnalysis(addons=["liveness"])`` makes it, which would download what it does not find."""
    from insightface.addons import Liveness, ensure_addon

    find: Any = ensure_addon
    make: Any = Liveness
    try:
        path = find(ADDON, root=root, download=False)  # its SHA-256 stands in insightface
    except FileNotFoundError:
        return {}
    return {ADDON: make(path, providers=settings["providers"], sess_options=settings["sess_options"])}


def _require_shapes(app: Any, directory: Path) -> None:
    recognition, detection = app.models.get("recognition"), app.models.get("detection")
    if recognition is None or detection is None or not detection.use_kps:
        raise UnableToLoadModel(f"{directory} lacks a network for recognition, or one for detection with landmarks")
    size, width = tuple(recognition.input_size), recognition.output_shape[-1]
    if size != (ARCFACE_SIDE, ARCFACE_SIDE) or width != Q4.dimensions:
        raise UnableToLoadModel(f"the network for recognition in {directory} is {size} to {width}, not 112x112 to 512")


def _face(box: NDArray[np.float32], points: NDArray[np.float32]) -> Face:
    left, top, right, bottom = (round(float(side)) for side in box[:4])
    return Face(Box(left, top, right, bottom), np.asarray(points, dtype=np.float64), CENTRES)


def _is_upright(face: Face) -> bool:
    """Landmarks that have a pose: finite, eyes apart, the mouth on the chin's side of them; a mirrored set has none."""
    if not np.isfinite(face.points).all() or face.inter_eye_px < 1.0 or face.box.area <= 0:
        return False
    (x, y), middle = face.eyes[1] - face.eyes[0], face.points[3:].mean(axis=0) - face.eyes.mean(axis=0)
    return bool(np.dot(middle, (-y, x)) > 0.0)


def _blue_first(picture: RGB) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), dtype=np.uint8)
