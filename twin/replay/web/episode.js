// The page of one episode, or of two on the same seed.

const page = JSON.parse(document.getElementById("data").textContent);
const SERIES = ["--series-a", "--series-b"];
const RATES = [0.1, 0.25, 0.5, 1, 2, 4, 8].map((rate) => [rate, `${rate} ×`]);
const $ = (selector) => document.querySelector(selector);

const lengthS = Math.max(...page.episodes.map((episode) => episode.length_s));
const clock = new Clock(lengthS, 1);
const seconds = (timeS) => `${timeS.toFixed(2)} s`;

// Seconds along the axis of a plot.
function secondsAxis(lengthS, width) {
  const step = niceStep(lengthS, Math.max(2, Math.min(10, width / 60))), ticks = [];
  for (let timeS = 0; timeS <= lengthS; timeS += step) ticks.push([timeS, `${+timeS.toFixed(3)} s`]);
  return ticks;
}

// What each view shows, over its corner: whose it is, and the phase now.
function captions() {
  const host = $(".captions");
  for (const [i, episode] of page.episodes.entries()) {
    const caption = document.createElement("div");
    caption.innerHTML = `<b></b> <span class="pill"></span><div class="operation"></div>
      <span class="phase"></span><span class="wrist"></span>`;
    const [name, outcome, operation, phase, wrist] = caption.children;
    const forces = episode.wrist && numbers(episode.wrist.forces, Float32Array);
    const times = numbers(episode.times, Float64Array);
    operation.textContent = episode.operation;
    const two = page.episodes.length > 1;
    name.textContent = two ? `${"AB"[i]} · ${episode.policy}` : episode.policy;
    if (two) name.style.color = `var(${SERIES[i]})`;
    outcome.textContent = episode.outcome;
    outcome.style.setProperty("--tone", episode.tone);
    outcome.classList.toggle("pale", episode.pale);
    host.append(caption);
    clock.onChange(() => {
      const ended = clock.timeS >= episode.length_s;
      const at = indexAt(episode.phases.map(([startS]) => startS), clock.timeS);
      const last = episode.outcome === "cut" ? "cut at" : "ends at";
      phase.textContent = ended ? `${last} ${seconds(episode.length_s)}` : episode.phases[at][2];
      if (!forces) return;
      const frame = 3 * indexAt(times, clock.timeS), force = Math.hypot(...forces.slice(frame, frame + 3));
      wrist.textContent = Number.isFinite(force) ? `${force.toFixed(0)} N at the wrist` : "";
    });
  }
}

// Height of a chart that lets all of them be seen in the room there is; a narrow page scrolls anyway.
function chartHeight(room) {
  if (matchMedia("(max-width:760px)").matches) return 76;
  const heading = 34, axis = 24; // px besides: of each, and of the last
  return Math.max(48, Math.min(76, (room - axis) / page.charts.length - heading));
}

// Phases as bands and every chart, on one playhead.
function plots() {
  const host = $(".plots"), two = page.episodes.length > 1;
  const rows = page.episodes.map((episode, i) => ({
    label: two ? "AB"[i] : "", height: 16, gap: 4, bands: episode.phases,
  }));
  new Bands(host, clock, { title: "Phase", rows, tones: page.phase_colours });
  const legend = document.createElement("div");
  legend.className = "legend";
  for (const [name, colour] of Object.entries(page.phase_colours)) {
    const item = document.createElement("span");
    item.innerHTML = "<i></i>";
    item.firstChild.style.setProperty("--tone", colour);
    item.append(name);
    legend.append(item);
  }
  host.append(legend);
  const height = chartHeight(host.getBoundingClientRect().bottom - legend.getBoundingClientRect().bottom);
  page.charts.forEach((chart, k) => {
    const series = chart.series.map((one) => ({
      ...one, x: numbers(one.x, Float64Array), y: numbers(one.y, Float32Array),
    }));
    const axis = k === page.charts.length - 1 ? secondsAxis : null;
    new Curves(host, clock, { ...chart, series, height, axis });
  });
}

function views() {
  let viewer = null;
  try {
    viewer = new Viewer($(".stage"), clock, page.episodes, page.metres_per_n);
  } catch (error) {
    $(".captions").insertAdjacentHTML("beforeend", "<p>This browser cannot draw in 3D (no WebGL); the plots work without.</p>");
    console.error(error);
    return null;
  }
  const buttons = PRESETS.map(({ name }, i) => {
    const button = document.createElement("button");
    button.innerHTML = `<kbd>${i + 1}</kbd> ${name}`;
    button.onclick = () => viewer.preset(i);
    $(".presets").append(button);
    return button;
  });
  const xray = document.createElement("button");
  xray.innerHTML = "<kbd>x</kbd> X-ray";
  xray.onclick = () => {
    viewer.setXray(!viewer.xray);
    xray.setAttribute("aria-pressed", viewer.xray);
  };
  $(".presets").append(xray);
  viewer.onPreset = (i) => buttons.forEach((button, k) => button.setAttribute("aria-pressed", k === i));
  viewer.onPreset(viewer.current);
  const keys = Object.fromEntries(PRESETS.map((_, i) => [`${i + 1}`, () => viewer.preset(i)]));
  bindKeys({ ...keys, x: () => xray.onclick() });
  return viewer;
}

captions();
plots();
const viewer = views();
transport($(".transport"), clock, { rates: RATES, say: seconds, stepS: page.step_s });

// For tests and for whoever scripts the page.
window.rackline = {
  clock,
  // Pose shown of a link: [x, y, z, qx, qy, qz, qw]; view 0 is the left or only one.
  pose(link, view = 0) {
    const object = viewer.stages[view].objects.get(link);
    return [...object.position.toArray(), ...object.quaternion.toArray()];
  },
  // The arrow of a view: [where it begins, where it ends] in the world, m; null = none.
  arrow(view = 0) {
    const { object, force, metresPerN } = viewer.stages[view].arrow;
    if (!object.visible) return null;
    const end = new THREE.Vector3(0, metresPerN * force.length(), 0).applyQuaternion(object.quaternion);
    return [object.position.toArray(), end.add(object.position).toArray()];
  },
};
