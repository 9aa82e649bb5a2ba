// One or two recorded episodes as three.js scenes under one camera.

// Decode base64 of little-endian numbers.
function numbers(text, Type) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Type(bytes.buffer);
}

// The poses of an episode's moving links as a function of time.
class Track {
  // timesS: of frames, ascending; poses: (frames, links, 7), position (m) and quaternion (xyzw).
  constructor(timesS, poses, links) {
    Object.assign(this, { timesS, poses, links });
    this.before = new THREE.Quaternion();
    this.after = new THREE.Quaternion();
  }

  // Write link's pose at timeS into position and quaternion: the recorded one at a frame,
  // between two the straight line and the shortest turn.
  pose(link, timeS, position, quaternion) {
    const { timesS, poses, links, before, after } = this;
    const i = indexAt(timesS, timeS), a = 7 * (i * links + link);
    position.set(poses[a], poses[a + 1], poses[a + 2]);
    quaternion.set(poses[a + 3], poses[a + 4], poses[a + 5], poses[a + 6]);
    const share = (timeS - timesS[i]) / (timesS[i + 1] - timesS[i]);
    if (i + 1 >= timesS.length || !(share > 0)) return;
    const b = a + 7 * links;
    position.set(
      poses[a] + share * (poses[b] - poses[a]),
      poses[a + 1] + share * (poses[b + 1] - poses[a + 1]),
      poses[a + 2] + share * (poses[b + 2] - poses[a + 2]),
    );
    before.copy(quaternion);
    after.set(poses[b + 3], poses[b + 4], poses[b + 5], poses[b + 6]);
    quaternion.slerpQuaternions(before, after, share);
  }
}

const LINE_OPACITY = 0.55;
const FLOOR_M = 2; // a fixed box that reaches so far, and is thin, is the floor

// A box by its half extents, with its edges drawn.
function boxMesh([x, y, z], paint, ink) {
  const shape = new THREE.BoxGeometry(2 * x, 2 * y, 2 * z);
  const mesh = new THREE.Mesh(shape, paint);
  mesh.castShadow = true;
  mesh.add(new THREE.LineSegments(new THREE.EdgesGeometry(shape), ink));
  return mesh;
}

// The links of one episode as objects, put where they are at a time.
class Stage {
  constructor(episode, metresPerN) {
    const moving = episode.links.filter((link) => link.moving);
    this.track = new Track(
      numbers(episode.times, Float64Array), numbers(episode.poses, Float32Array), moving.length,
    );
    this.scene = new THREE.Scene();
    this.objects = new Map();
    this.moving = [];
    this.fixed = []; // materials that x-ray makes transparent
    this.floors = [];
    for (const link of episode.links) {
      const object = this.linkObject(link);
      this.objects.set(link.name, object);
      this.scene.add(object);
      if (link.moving) this.moving.push(object);
    }
    this.followed = this.objects.get(episode.follow);
    this.wrist = episode.wrist && this.objects.get(episode.wrist.link);
    this.arrow = episode.wrist && new ForceArrow(episode.wrist, metresPerN);
    this.sun = new THREE.DirectionalLight(0xffffff, 1.9);
    this.sun.castShadow = true;
    this.sun.shadow.mapSize.set(2048, 2048);
    this.sun.shadow.bias = -0.0006;
    this.sun.shadow.normalBias = 0.004;
    this.sun.shadow.radius = 4;
    this.scene.add(this.sun, this.sun.target);
    this.scene.add(new THREE.HemisphereLight(0xffffff, 0xb9c0c8, 2.0));
    const fill = new THREE.DirectionalLight(0xdfe9ff, 0.6);
    fill.position.set(-2, 3, 1.5);
    this.scene.add(fill);
  }

  linkObject(link) {
    const object = new THREE.Group();
    if (!link.moving) {
      object.position.fromArray(link.pose);
      object.quaternion.fromArray(link.pose, 3);
    }
    const colour = new THREE.Color().setRGB(...link.colour.slice(0, 3), THREE.SRGBColorSpace);
    const paint = new THREE.MeshStandardMaterial({
      color: colour, roughness: 0.62, metalness: 0.05,
      side: THREE.DoubleSide, clipShadows: true, // what is cut open shows its inside
      polygonOffset: true, polygonOffsetUnits: 4 * this.objects.size, // where faces coincide
    });
    const ink = new THREE.LineBasicMaterial({
      color: colour.clone().multiplyScalar(0.35), transparent: true, opacity: LINE_OPACITY,
    });
    if (!link.moving) this.fixed.push(paint, ink);
    for (const [x, y, z, ...pose] of link.boxes) {
      const isFloor = !link.moving && Math.max(x, y) >= FLOOR_M && z < 0.05;
      const mesh = isFloor ? this.floor(1.3 * Math.max(x, y)) : boxMesh([x, y, z], paint, ink);
      mesh.position.fromArray(pose);
      mesh.quaternion.fromArray(pose, 3);
      if (isFloor) mesh.position.z += z;
      mesh.receiveShadow = true;
      object.add(mesh);
    }
    return object;
  }

  // A floor takes the page's colour and fades into its background.
  floor(radius) {
    const shape = new THREE.CircleGeometry(radius, 96);
    const fade = new Float32Array(4 * shape.attributes.position.count).fill(1);
    for (let i = 1; 4 * i < fade.length; i++) fade[4 * i + 3] = 0; // vertex 0 is the centre
    shape.setAttribute("color", new THREE.BufferAttribute(fade, 4));
    const paint = new THREE.MeshStandardMaterial({
      roughness: 1, vertexColors: true, transparent: true, depthWrite: false,
    });
    this.floors.push(paint);
    return new THREE.Mesh(shape, paint);
  }

  show(timeS) {
    this.moving.forEach((object, i) => this.track.pose(i, timeS, object.position, object.quaternion));
    if (this.arrow) this.arrow.show(indexAt(this.track.timesS, timeS), this.wrist);
  }

  // Box around everything but the floor, wherever it is during the episode.
  reach() {
    const box = new THREE.Box3(), { timesS } = this.track;
    const every = Math.max(1, Math.floor(timesS.length / 40));
    for (let i = 0; i < timesS.length; i += every) {
      this.show(timesS[i]);
      for (const object of this.moving) box.expandByObject(object);
    }
    this.scene.traverse((object) => {
      if (object.isMesh && object.castShadow) box.expandByObject(object);
    });
    return box;
  }

  // Light from beside the camera's usual place; its shadows reach as far as `box`.
  lightUp(box) {
    const centre = box.getCenter(new THREE.Vector3()), radius = box.getSize(new THREE.Vector3()).length() / 2 + 0.6;
    this.sun.position.copy(centre).add(new THREE.Vector3(-0.45, -0.55, 1).multiplyScalar(2 * radius));
    this.sun.target.position.copy(centre);
    const eye = this.sun.shadow.camera;
    Object.assign(eye, { left: -radius, right: radius, bottom: -radius, top: radius, near: 0.1, far: 4.5 * radius });
    eye.updateProjectionMatrix();
  }
}

const PRESETS = [
  { name: "Overview", from: [-0.72, -1, 0.42], distance: 0.7 },
  { name: "Side", from: [-0.05, -1, 0.1], distance: 0.7 },
  { name: "Top, cut open", from: [0, -0.001, 1], distance: 1.5, follows: true, cut: true },
  { name: "Close-up", from: [0.12, -1, 0.62], distance: 1.75, follows: true },
];

class Viewer {
  // host: element that the canvas fills; episodes: one or two, side by side under one camera.
  constructor(host, clock, episodes, metresPerN) {
    Object.assign(this, { host, clock, stages: episodes.map((episode) => new Stage(episode, metresPerN)) });
    this.renderer = new THREE.WebGLRenderer({ antialias: true, alpha: true });
    this.renderer.shadowMap.enabled = true;
    this.renderer.shadowMap.type = THREE.PCFShadowMap;
    this.renderer.setScissorTest(true);
    host.prepend(this.renderer.domElement);
    this.camera = new THREE.PerspectiveCamera(32, 1, 0.02, 60);
    this.camera.up.set(0, 0, 1);
    this.controls = new THREE.OrbitControls(this.camera, this.renderer.domElement);
    this.controls.enableDamping = true;
    this.controls.zoomToCursor = episodes.length === 1; // it takes the canvas for one view
    this.box = new THREE.Box3();
    for (const stage of this.stages) this.box.union(stage.reach());
    for (const stage of this.stages) stage.lightUp(this.box);
    this.cutter = new THREE.Plane(new THREE.Vector3(0, 0, -1), 0);
    this.xray = false;
    this.follow = new THREE.Vector3();
    this.controls.addEventListener("change", () => (this.stale = true));
    clock.onChange(() => this.move());
    new ResizeObserver(() => this.resize()).observe(host);
    redraws.push(() => this.theme());
    this.theme();
    this.resize();
    this.preset(0);
    this.renderer.setAnimationLoop(() => {
      this.controls.update();
      if (this.stale) this.render();
    });
  }

  theme() {
    const floor = new THREE.Color(css("--floor")), force = new THREE.Color(css("--force"));
    for (const { floors, arrow } of this.stages) {
      for (const paint of floors) paint.color.copy(floor);
      if (arrow) arrow.paint.color.copy(force);
    }
    this.stale = true;
  }

  // Two views lie side by side, or one above the other where the page is narrow.
  resize() {
    const { clientWidth: width, clientHeight: height } = this.host;
    this.renderer.setPixelRatio(Math.min(devicePixelRatio || 1, 2));
    this.renderer.setSize(width, height);
    const two = this.stages.length === 2, stacked = two && height > width;
    this.host.classList.toggle("stacked", stacked);
    this.views = this.stages.map((_, i) => {
      if (!two) return [0, 0, width, height];
      if (stacked) return [0, (1 - i) * (height / 2), width, height / 2];
      return [i * (width / 2), 0, width / 2, height];
    });
    this.camera.aspect = this.views[0][2] / this.views[0][3];
    this.camera.updateProjectionMatrix();
    this.stale = true;
  }

  // Put the camera where preset i says, far enough to see what moves.
  preset(i) {
    const { from, distance, follows, cut } = PRESETS[i];
    this.current = i;
    const box = follows ? new THREE.Box3().setFromObject(this.stages[0].followed) : this.box;
    const target = box.getCenter(new THREE.Vector3()), size = box.getSize(new THREE.Vector3()).length();
    const wide = Math.min(1, this.camera.aspect); // a narrow view needs to stand back
    const away = (distance * size) / (2 * Math.tan((this.camera.fov * Math.PI) / 360)) / wide;
    this.controls.target.copy(target);
    this.camera.position.copy(target).addScaledVector(new THREE.Vector3(...from).normalize(), away);
    this.cut = Boolean(cut);
    this.follows = Boolean(follows);
    this.follow.copy(this.stages[0].followed.position);
    this.controls.update();
    this.stale = true;
    if (this.onPreset) this.onPreset(i);
  }

  setXray(on) {
    this.xray = on;
    for (const stage of this.stages) {
      for (const material of stage.fixed) {
        const line = material.isLineBasicMaterial;
        material.transparent = on || line;
        material.opacity = line ? LINE_OPACITY : on ? 0.14 : 1;
        material.depthWrite = line || !on;
        material.needsUpdate = true;
      }
    }
    this.stale = true;
  }

  move() {
    for (const stage of this.stages) stage.show(this.clock.timeS);
    if (this.follows) {
      const now = this.stages[0].followed.position;
      this.controls.target.add(now).sub(this.follow);
      this.camera.position.add(now).sub(this.follow);
      this.follow.copy(now);
    }
    this.stale = true;
  }

  // Draw over what is drawn already, uncut.
  overlay(scene) {
    this.renderer.clippingPlanes = [];
    this.renderer.autoClear = false;
    this.renderer.clearDepth();
    this.renderer.render(scene, this.camera);
  }

  render() {
    this.stale = false;
    const home = this.camera.position.clone();
    this.stages.forEach((stage, i) => {
      const { followed } = stage;
      if (this.follows) this.camera.position.add(followed.position).sub(this.follow);
      const top = new THREE.Box3().setFromObject(followed).max.z;
      this.cutter.constant = top + 0.0003;
      this.renderer.clippingPlanes = this.cut ? [this.cutter] : [];
      this.renderer.setViewport(...this.views[i]);
      this.renderer.setScissor(...this.views[i]);
      this.renderer.autoClear = true;
      this.renderer.render(stage.scene, this.camera);
      if (stage.arrow) this.overlay(stage.arrow.scene);
      this.camera.position.copy(home);
    });
  }
}
