// The arrow of the force at the wrist, as PyBullet's window shows it.

// Drawn over everything: within the rack it is to be seen as well.
class ForceArrow {
  // wrist: {link, forces}; metresPerN: its length.
  constructor(wrist, metresPerN) {
    Object.assign(this, { metresPerN, forces: numbers(wrist.forces, Float32Array), force: new THREE.Vector3() });
    this.paint = new THREE.MeshBasicMaterial();
    this.shaft = new THREE.Mesh(new THREE.CylinderGeometry(0.007, 0.007, 1, 16), this.paint);
    this.head = new THREE.Mesh(new THREE.CylinderGeometry(0, 0.4, 1, 24), this.paint);
    this.object = new THREE.Group().add(this.shaft, this.head);
    this.scene = new THREE.Scene().add(this.object);
  }

  // Put it where the wrist is, with the force of a frame; what was not measured has no arrow.
  show(frame, wrist) {
    this.force.fromArray(this.forces, 3 * frame);
    const length = this.force.length() * this.metresPerN;
    this.object.visible = length > 0.002; // nan is not
    if (!this.object.visible) return;
    const head = Math.min(0.055, 0.7 * length), along = this.force.clone().normalize();
    this.object.position.copy(wrist.position);
    this.object.quaternion.setFromUnitVectors(new THREE.Vector3(0, 1, 0), along).premultiply(wrist.quaternion);
    this.shaft.scale.setY(length - head);
    this.shaft.position.y = (length - head) / 2;
    this.head.scale.setScalar(head);
    this.head.position.y = length - head / 2;
  }
}
