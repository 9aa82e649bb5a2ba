export {
  Box3, BoxGeometry, BufferAttribute, CircleGeometry, Color, DirectionalLight, DoubleSide,
  EdgesGeometry,
  Group, HemisphereLight, LineBasicMaterial, LineSegments, Mesh,
  MeshStandardMaterial, PCFShadowMap, PerspectiveCamera, Plane, Quaternion,
  Scene, SRGBColorSpace, Vector3, WebGLRenderer,
} from "three";
export { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
