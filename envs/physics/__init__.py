"""The physics floor: PyBullet behind one module, and what stands on it."""
