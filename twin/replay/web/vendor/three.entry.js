export {
  Box3, BoxGeometry, BufferAttribute, CircleGeometry, Color, CylinderGeometry, DirectionalLight,
  DoubleSide, EdgesGeometry,
  Group, HemisphereLight, LineBasicMaterial, LineSegments, Mesh, MeshBasicMaterial,
  MeshStandardMaterial, PCFShadowMap, PerspectiveCamera, Plane, Quaternion,
  Scene, SRGBColorSpace, Vector3, WebGLRenderer,
} from "three";
export { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
