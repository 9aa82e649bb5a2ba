// The page of a line run: everything shown is a function of the clock.

const page = JSON.parse(document.getElementById("data").textContent);
const $ = (selector) => document.querySelector(selector);
const MINUTE = 60;
const RATES = [[60, "1 min/s"], [300, "5 min/s"], [600, "10 min/s"], [1800, "30 min/s"], [3600, "1 h/s"]];
const CELL = 27, GAP = 5, ROWS = 3, PAD = 12, HEAD = 54, BETWEEN = 30; // px of the layout

const clock = new Clock(page.length_s, 600);
const twoDigits = (number) => String(Math.floor(number)).padStart(2, "0");
const hours = (timeS) => `${twoDigits(timeS / 3600)}:${twoDigits((timeS / 60) % 60)}`;
const tone = (state) => {
  const colour = page.tones[state];
  return colour.startsWith("--") ? `var(${colour})` : colour;
};

// Where a rack is: {origin, goal, share of the way}, or null = not in the line.
function position(rack, timeS) {
  const segments = page.tracks[rack];
  let at = null;
  for (const segment of segments) {
    if (segment[0] > timeS) break;
    at = segment;
  }
  if (!at || (timeS >= at[1] && at[1] < page.length_s)) return null;
  const [startS, endS, origin, goal] = at;
  return { origin, goal, share: origin === goal ? 0 : (timeS - startS) / (endS - startS) };
}

// Index into page.states of what a server's time goes to.
function stateOf(server, timeS) {
  const stretches = page.stretches[server];
  const found = stretches.find(([endS]) => timeS < endS);
  return (found || stretches[stretches.length - 1])[1];
}

function div(parent, className, text = "") {
  const made = document.createElement("div");
  made.className = className;
  made.textContent = text;
  parent.append(made);
  return made;
}

// The floor: stations in rows that go to and fro, so that every move is a short one.
class Floor {
  constructor(host) {
    this.host = host;
    this.cards = page.stations.map((station, index) => this.card(station, index));
    this.racks = Object.fromEntries(
      Object.keys(page.tracks).map((rack) => [rack, div(host, "rack", String(Number(rack) % 1000))]),
    );
    for (const [rack, token] of Object.entries(this.racks)) token.title = `rack ${rack}`;
    this.arrows = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    host.prepend(this.arrows);
    new ResizeObserver(() => this.lay()).observe(host);
    this.lay();
    clock.onChange(() => this.show(clock.timeS));
  }

  card(station, index) {
    const element = div(this.host, "card");
    div(element, "id", station.id);
    div(element, "name", station.name).title = station.name;
    const servers = Array.from({ length: station.servers }, (_, i) => ({
      key: `s${station.first + i}`, server: station.first + i, element: div(this.host, "cell"),
    }));
    const places = Array.from({ length: station.places }, (_, i) => ({
      key: `q${index}.${i}`, element: div(this.host, "place"),
    }));
    return { element, servers, places };
  }

  // Choose how many cells a card is high, so that it fits; and its size.
  size(card, width) {
    const { servers, places } = card;
    card.lines = ROWS - 1;
    do {
      card.lines++;
      card.waiting = Math.ceil(places.length / card.lines);
      const columns = card.waiting + Math.ceil(servers.length / card.lines);
      card.width = Math.max(columns * (CELL + GAP) + (card.waiting ? GAP : 0) + 2 * PAD - GAP, 118);
    } while (card.width > width && card.lines < servers.length);
    const used = Math.min(card.lines, Math.max(servers.length, places.length));
    card.height = HEAD + used * (CELL + GAP) + PAD - GAP;
  }

  // Give every card and place its pixel, row by row, for the width there is.
  lay() {
    const width = this.host.clientWidth;
    const rows = [[]];
    let used = 0;
    for (const card of this.cards) {
      this.size(card, width);
      if (used && used + BETWEEN + card.width > width) {
        rows.push([]);
        used = 0;
      }
      used += (used ? BETWEEN : 0) + card.width;
      rows[rows.length - 1].push(card);
    }
    this.at = {};
    let top = 0;
    rows.forEach((row, k) => {
      const height = Math.max(...row.map((card) => card.height));
      this.row(row, width, top, height, k % 2 === 1);
      top += height + BETWEEN;
    });
    this.host.style.height = `${top - BETWEEN}px`;
    this.draw(width, top);
    this.show(clock.timeS);
  }

  // A row of cards, spread over the width; back to front where the line runs leftwards.
  row(row, width, top, height, leftwards) {
    const free = width - row.reduce((sum, card) => sum + card.width, 0);
    const between = row.length > 1 ? Math.min(free / (row.length - 1), 0.35 * width) : 0;
    let left = 0;
    for (const card of row) {
      const x = leftwards ? width - left - card.width : left;
      Object.assign(card, { x, top, height });
      Object.assign(card.element.style, {
        left: `${x}px`, top: `${top}px`, width: `${card.width}px`, height: `${height}px`,
      });
      const put = ({ key, element }, column, line) => {
        const inner = PAD + column * (CELL + GAP) + (column >= card.waiting && card.waiting ? GAP : 0);
        const px = leftwards ? x + card.width - inner - CELL : x + inner;
        const py = top + HEAD + line * (CELL + GAP);
        element.style.transform = `translate(${px}px,${py}px)`;
        this.at[key] = [px, py];
      };
      // The place from which the next rack goes is the one nearest to the servers.
      const { lines, waiting } = card;
      card.places.forEach((place, i) => put(place, waiting - 1 - Math.floor(i / lines), i % lines));
      card.servers.forEach((place, i) => put(place, waiting + Math.floor(i / lines), i % lines));
      left += card.width + between;
    }
  }

  // A line from card to card, behind them, with a chevron where racks go.
  draw(width, height) {
    this.arrows.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const way = this.cards.slice(1).map((card, i) => {
      const before = this.cards[i], y = card.top + card.height / 2;
      if (before.top !== card.top) { // down, from the middle of the narrower card
        const { x, width: own } = card.width < before.width ? card : before, middle = x + own / 2;
        const gap = card.top - BETWEEN / 2;
        return `M${middle},${before.top + before.height}V${card.top}M${middle - 5},${gap - 3}l5,5l5,-5`;
      }
      const right = card.x > before.x;
      const from = right ? before.x + before.width : before.x, to = right ? card.x : card.x + card.width;
      return `M${from},${y}H${to}M${(from + to) / 2 + (right ? -3 : 3)},${y - 5}l${right ? 5 : -5},5l${right ? -5 : 5},5`;
    });
    this.arrows.innerHTML = `<path d="${way.join("")}"/>`;
  }

  show(timeS) {
    for (const { servers } of this.cards) {
      for (const { server, element } of servers) {
        const state = stateOf(server, timeS);
        if (element.state === state) continue;
        element.state = state;
        element.style.background = tone(state);
        element.title = page.states[state];
      }
    }
    for (const [rack, token] of Object.entries(this.racks)) {
      const found = position(rack, timeS);
      token.hidden = !found;
      if (!found) continue;
      const [x, y] = this.at[found.origin], [u, v] = this.at[found.goal];
      token.classList.toggle("moving", found.origin !== found.goal);
      const [left, top] = [x + found.share * (u - x), y + found.share * (v - y)];
      token.style.transform = `translate(${left.toFixed(1)}px,${top.toFixed(1)}px)`;
    }
  }
}

// Hours of the day along the axis of a plot.
function hoursAxis(lengthS, width) {
  const most = Math.max(2, width / 60);
  const step = [0.25, 0.5, 1, 2, 3, 4, 6, 12, 24, 48, 96, 168].find((h) => lengthS / (h * 3600) <= most) || 336;
  const ticks = [];
  for (let h = 0; h * 3600 <= lengthS; h += step) ticks.push([h * 3600, Number.isInteger(h) ? `${h} h` : hours(h * 3600)]);
  return ticks;
}

function plots(host) {
  const rows = page.stations.flatMap((station) =>
    Array.from({ length: station.servers }, (_, i) => {
      let startS = 0;
      const bands = page.stretches[station.first + i].map(([endS, state]) => {
        const band = [startS, endS, state];
        startS = endS;
        return band;
      });
      const many = station.servers > 6, last = i === station.servers - 1;
      return { label: i ? "" : station.id, height: many ? 4 : 11, gap: last ? 5 : 1, bands };
    }),
  );
  new Bands(host, clock, { title: "Servers by state", rows, tones: page.tones });
  const legend = div(host, "legend");
  page.states.forEach((name, state) => {
    const item = document.createElement("span");
    item.innerHTML = "<i></i>";
    item.firstChild.style.setProperty("--tone", tone(state));
    item.append(name);
    legend.append(item);
  });
  const [wipX, wipY] = page.in_line, [shipX, shipY] = page.shipped;
  const line = { name: "", colour: "--series-a", x: wipX, y: wipY, step: true };
  new Curves(host, clock, { title: "Racks in the line", series: [line], height: 88, digits: 0 });
  const done = [{ name: "shipped", colour: "--series-a", x: shipX, y: shipY, step: true }];
  if (page.takt_s) {
    const x = [], y = [];
    for (let k = 0; k * page.takt_s <= page.length_s; k++) x.push(k * page.takt_s), y.push(k);
    done.push({ name: "at takt", colour: "--muted", x, y, dashed: true });
  }
  new Curves(host, clock, { title: "Racks shipped", series: done, height: 88, digits: 0, axis: hoursAxis });
}

const floor = new Floor($(".floor"));
plots($(".plots"));
transport($(".transport"), clock, { rates: RATES, say: hours, stepS: 5 * MINUTE });

// For tests and for whoever scripts the page.
window.rackline = {
  clock,
  position,
  // Pixel of a rack within the floor as it is drawn now, or null.
  drawn(rack) {
    const token = floor.racks[rack];
    if (token.hidden) return null;
    const { m41, m42 } = new DOMMatrix(getComputedStyle(token).transform);
    return [m41, m42];
  },
};
