"""The only module that talks to PyBullet: one simulated world, and plain data in and out."""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from configs.errors import PhysicsError
from envs.physics.pose import Pose, Vector
from envs.physics.shapes import (
    Body,
    Box,
    Contact,
    Joint,
    Link,
    check_box_counts,
    check_not_static,
)

GRAVITY_M_PER_S2 = 9.80665  # standard gravity, ISO 80000-3
SOLVER_RESIDUAL = 1e-11
"""PyBullet's default of 1e-7 stops too soon: peaks of side force read up to 25 % and on average
5 % too high; here within 1 % of 400 iterations at 1e-16 (24 seeds, two scripts)."""
CONTACT_SLOP_M, CONTACT_DRIFT = 1e-5, 0.02
"""PyBullet's own: what contacts overlap by before they push, and how far a point may have slid from
where it was found before it is forgotten, as a share of a shape's size."""
SKIN_DRIFT = 1e-6
"""The latter with a skin: points are found anew at every tick. One that a front has left behind, or
has passed along its normal, would go on pushing as if the surface went on beyond its edge: at 1e-4
(4 um) straight pushes hung at the walls behind a lead-in, at 0.02 lead-ins caught by 0.2 mm."""


@contextlib.contextmanager
def _quiet_import() -> Iterator[None]:
    """Swallow the build time that PyBullet prints from C to standard error."""
    sys.stderr.flush()
    saved = os.dup(2)
    with open(os.devnull, "wb") as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)


with _quiet_import():
    import pybullet as pb

_JOINTS = {
    Joint.FIXED: pb.JOINT_FIXED,
    Joint.PRISMATIC: pb.JOINT_PRISMATIC,
    Joint.REVOLUTE: pb.JOINT_REVOLUTE,
}


class World:
    """A PyBullet world that is rebuilt from data at each reset.

    Rebuilding costs about a millisecond for boxes on a few links, and makes a reset independent
    of history, which PyBullet's contact caches otherwise do not allow.

    Boxes meet only once they overlap, so what they are gone into each other after a tick is
    ``speed / rate``, whatever the stiffness. With a skin, every box is larger by half of it all
    round, and contacts push from an overlap of a whole skin on, which is where the true surfaces
    meet; before, they only keep the gap from closing in less than a tick.

    Args:
        visible: give bodies shapes to look at; costs time at each rebuild.
        skin_m: gap at which two surfaces are seen to approach; 0 for none.
    """

    _drift = CONTACT_DRIFT  # of the process: PyBullet keeps it for all worlds in it

    def __init__(self, visible: bool = False, skin_m: float = 0.0) -> None:
        self._visible, self._skin_m = visible, skin_m
        self._own_drift = SKIN_DRIFT if skin_m else CONTACT_DRIFT
        self._id: int = self._connect()

    def _connect(self) -> int:
        client: int = pb.connect(pb.DIRECT)
        return client

    def clear(
        self, rate_hz: float, solver_iterations: int, solver_residual: float = SOLVER_RESIDUAL
    ) -> None:
        """Remove everything and set the time step (s) to ``1 / rate_hz``.

        The solver stops after ``solver_iterations``, or sooner where no row of the constraints
        changes by more than ``solver_residual`` (squared, summed; PyBullet's unit) any more.
        """
        pb.resetSimulation(physicsClientId=self._id)
        pb.setGravity(0.0, 0.0, -GRAVITY_M_PER_S2, physicsClientId=self._id)
        pb.setPhysicsEngineParameter(
            fixedTimeStep=1.0 / rate_hz,
            numSolverIterations=solver_iterations,
            solverResidualThreshold=solver_residual,
            deterministicOverlappingPairs=1,
            contactSlop=self._skin_m or CONTACT_SLOP_M,
            physicsClientId=self._id,
        )

    def set_gravity(self, vector_m_per_s2: Vector) -> None:
        """Set the direction and size of gravity (the force self-test presses with it)."""
        pb.setGravity(*vector_m_per_s2, physicsClientId=self._id)

    def move(self, handle: int, base: Pose) -> None:
        """Put the base of a body elsewhere: for what is only shown, which nothing pushes."""
        pb.resetBasePositionAndOrientation(
            handle, base.position, base.orientation, physicsClientId=self._id
        )

    def add(self, body: Body, contact: Contact) -> int:
        """Add a body; motors are off and nothing is damped. Return its handle.

        Raises:
            PhysicsError: a shape would fall through fixtures (see `check_not_static`), has too
                many boxes, or PyBullet did not take the contact parameters.
        """
        check_not_static(body)
        check_box_counts(body)
        links = body.links
        parents = {"": 0} | {link.name: i + 1 for i, link in enumerate(links)}
        handle: int = pb.createMultiBody(
            baseMass=0,
            basePosition=body.base.position,
            baseOrientation=body.base.orientation,
            linkMasses=[link.mass_kg for link in links],
            linkCollisionShapeIndices=[self._collision(link.boxes) for link in links],
            linkVisualShapeIndices=[self._visual(link) for link in links],
            linkPositions=[link.pose.position for link in links],
            linkOrientations=[link.pose.orientation for link in links],
            linkInertialFramePositions=[link.inertial.position for link in links],
            linkInertialFrameOrientations=[link.inertial.orientation for link in links],
            linkParentIndices=[parents[link.parent] for link in links],
            linkJointTypes=[_JOINTS[link.joint] for link in links],
            linkJointAxis=[link.axis for link in links],
            physicsClientId=self._id,
        )
        self._set_dynamics(handle, body, contact)
        return handle

    def lock(self, handle: int, joint: int, force_n: float) -> None:
        """Hold a joint still with up to ``force_n``: a brake, from now on."""
        pb.setJointMotorControl2(
            handle,
            joint,
            pb.VELOCITY_CONTROL,
            targetVelocity=0.0,
            force=force_n,
            physicsClientId=self._id,
        )

    def sense(self, handle: int, joint: int) -> None:
        """Switch on the force/torque sensor of a fixed joint."""
        pb.enableJointForceTorqueSensor(handle, joint, True, physicsClientId=self._id)

    def place(self, handle: int, positions: Sequence[float]) -> None:
        """Set joint positions (m or rad) of the first joints, at rest."""
        for joint, position in enumerate(positions):
            pb.resetJointState(handle, joint, position, 0.0, physicsClientId=self._id)

    def step(self) -> None:
        """Advance by one time step."""
        if World._drift != self._own_drift:
            World._drift = self._own_drift
            pb.setPhysicsEngineParameter(
                contactBreakingThreshold=self._own_drift, physicsClientId=self._id
            )
        pb.stepSimulation(self._id)

    def joints(self, handle: int, joints: Sequence[int]) -> Any:
        """Return (position, velocity, reaction wrench (6,), motor torque) of each joint."""
        return pb.getJointStates(handle, joints, self._id)

    def wrench(self, handle: int, joint: int) -> Any:
        """Return the reaction wrench (6,) of a sensed joint: N and N·m in the child's frame."""
        return pb.getJointState(handle, joint, self._id)[2]

    def drive(self, handle: int, joints: Sequence[int], forces: Sequence[float]) -> None:
        """Apply joint forces (N or N·m) for the next time step."""
        pb.setJointMotorControlArray(
            handle, joints, pb.TORQUE_CONTROL, forces=forces, physicsClientId=self._id
        )

    def pull(self, handle: int, link: int, force_n: Vector, at: Vector) -> None:
        """Apply a force to a link for the next time step; force and point in the link's frame."""
        # The engine takes the link's frame of the last time that anybody asked for it.
        pb.getLinkState(handle, link, 0, 1, self._id)
        pb.applyExternalForce(handle, link, force_n, at, pb.LINK_FRAME, self._id)

    def link_pose(self, handle: int, link: int) -> Pose:
        """Return a link frame in the world."""
        state = pb.getLinkState(handle, link, 0, 1, self._id)
        return Pose(state[4], state[5])

    def penetration_m(self, a: int, b: int) -> float:
        """Return the deepest penetration of true surfaces after the last step, 0 if none."""
        contacts = pb.getContactPoints(a, b, physicsClientId=self._id)
        return max(0.0, max((-contact[8] for contact in contacts), default=0.0) - self._skin_m)

    def state_hash(self, handle: int, joints: Sequence[int]) -> str:
        """Return 16 hex digits of the exact positions and velocities of ``joints``."""
        states = pb.getJointStates(handle, joints, self._id)
        numbers = [value for state in states for value in state[:2]]
        packed = struct.pack(f"<{len(numbers)}d", *numbers)
        return hashlib.blake2b(packed, digest_size=8).hexdigest()

    def render(self, width: int, height: int, eye: Vector, target: Vector) -> Any:
        """Return an RGB picture (height, width, 3) uint8 by the software renderer."""
        import numpy as np

        view = pb.computeViewMatrix(eye, target, (0.0, 0.0, 1.0))
        projection = pb.computeProjectionMatrixFOV(45.0, width / height, 0.05, 20.0)
        pixels = pb.getCameraImage(
            width,
            height,
            view,
            projection,
            renderer=pb.ER_TINY_RENDERER,
            lightDirection=(1.0, -1.0, 2.0),
            physicsClientId=self._id,
        )[2]
        return np.asarray(pixels, dtype=np.uint8).reshape(height, width, 4)[:, :, :3]

    def close(self) -> None:
        """Disconnect; harmless when done twice."""
        if self._id >= 0:
            with contextlib.suppress(pb.error):
                pb.disconnect(self._id)
            self._id = -1

    def _collision(self, boxes: tuple[Box, ...]) -> int:
        if not boxes:
            return -1
        more = self._skin_m / 2
        shape: int = pb.createCollisionShapeArray(
            shapeTypes=[pb.GEOM_BOX] * len(boxes),
            halfExtents=[[half + more for half in box.half_extents_m] for box in boxes],
            collisionFramePositions=[box.pose.position for box in boxes],
            collisionFrameOrientations=[box.pose.orientation for box in boxes],
            physicsClientId=self._id,
        )
        return shape

    def _set_dynamics(self, handle: int, body: Body, contact: Contact) -> None:
        for index, link in enumerate(body.links):
            settings: dict[str, Any] = {
                "linearDamping": 0.0,
                "angularDamping": 0.0,
                "jointDamping": 0.0,
            }
            if link.inertia_kg_m2 is not None:
                settings["localInertiaDiagonal"] = link.inertia_kg_m2
            if link.boxes:
                settings |= {
                    "contactStiffness": contact.stiffness_n_per_m,
                    "contactDamping": contact.damping_ns_per_m,
                    "lateralFriction": contact.friction,  # of a pair: the product of both
                }
            pb.changeDynamics(handle, index, physicsClientId=self._id, **settings)
            if link.boxes:
                self._check_taken(handle, index, contact)
            if link.joint is not Joint.FIXED:  # PyBullet starts every joint with a braking motor
                self.lock(handle, index, 0.0)

    def _check_taken(self, handle: int, link: int, contact: Contact) -> None:
        """Read the contact parameters back: some combinations are dropped without a word.

        An ``activationState`` in the same call does that to every other setting (3.2.7).
        """
        info = pb.getDynamicsInfo(handle, link, physicsClientId=self._id)
        wanted = (contact.friction, contact.damping_ns_per_m, contact.stiffness_n_per_m)
        if (info[1], info[8], info[9]) != wanted:
            raise PhysicsError(f"contact parameters {wanted} were not taken: {info}")

    def _visual(self, link: Link) -> int:
        boxes = link.visuals or link.boxes
        if not self._visible or not boxes:
            return -1
        shape: int = pb.createVisualShapeArray(
            shapeTypes=[pb.GEOM_BOX] * len(boxes),
            halfExtents=[box.half_extents_m for box in boxes],
            rgbaColors=[link.colour] * len(boxes),
            visualFramePositions=[box.pose.position for box in boxes],
            visualFrameOrientations=[box.pose.orientation for box in boxes],
            physicsClientId=self._id,
        )
        return shape
