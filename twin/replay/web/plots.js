// Plots over time that share one playhead: curves, and bands of states. A press or drag seeks.

const LEFT = 50, RIGHT = 14; // px beside every plot, so that all playheads are one line
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const colourOf = (colour) => (colour.startsWith("--") ? css(colour) : colour);
const redraws = [];
matchMedia("(prefers-color-scheme:dark)").addEventListener("change", () => redraws.forEach((draw) => draw()));

// Steps of 1, 2 or 5 times a power of ten that cut `span` into at most `most` pieces.
function niceStep(span, most) {
  const raw = span / most, power = 10 ** Math.floor(Math.log10(raw));
  return power * [1, 2, 5, 10].find((step) => step * power >= raw * 0.999);
}

// Index of the last of ascending `times` that is not after `timeS`; 0 before the first.
function indexAt(times, timeS) {
  let low = 0, high = times.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (times[middle] <= timeS) low = middle;
    else high = middle;
  }
  return low;
}

class Plot {
  // Makes heading and canvas within `host`; height in px, of the drawing without the time axis.
  constructor(host, clock, { title, unit = "", height, axis }) {
    Object.assign(this, { clock, height, axis });
    this.element = document.createElement("section");
    this.element.className = "plot";
    this.element.innerHTML = `<h2><span></span><small></small><span class="values"></span></h2>
      <div class="frame"><canvas></canvas><div class="playhead"></div></div>`;
    const [heading, frame] = this.element.children;
    heading.hidden = !title;
    heading.children[0].textContent = title;
    heading.children[1].textContent = unit;
    this.values = heading.children[2];
    [this.canvas, this.head] = frame.children;
    host.append(this.element);
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", `${title} over time`);
    const seek = (event) => {
      const box = this.canvas.getBoundingClientRect();
      clock.seek(((event.clientX - box.left - LEFT) / this.width) * clock.lengthS);
    };
    this.canvas.onpointerdown = (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      seek(event);
    };
    this.canvas.onpointermove = (event) => {
      if (this.canvas.hasPointerCapture(event.pointerId)) seek(event);
    };
  }

  // Begin to follow size, colours and clock; called once the subclass is ready.
  start() {
    const redraw = () => this.redraw();
    new ResizeObserver(redraw).observe(this.canvas.parentElement);
    redraws.push(redraw);
    redraw();
    this.clock.onChange(() => {
      this.head.style.transform = `translateX(${this.x(this.clock.timeS) - 0.75}px)`;
      this.say(this.clock.timeS);
    });
  }

  x(timeS) {
    return LEFT + (timeS / this.clock.lengthS) * this.width;
  }

  redraw() {
    const scale = devicePixelRatio || 1, below = this.axis ? 20 : 5;
    const full = this.canvas.parentElement.clientWidth;
    this.width = Math.max(full - LEFT - RIGHT, 10);
    this.canvas.width = full * scale;
    this.canvas.height = (this.height + below) * scale;
    this.canvas.style.height = `${this.height + below}px`;
    const pen = this.canvas.getContext("2d");
    pen.scale(scale, scale);
    pen.font = `11.5px ${css("--sans")}`;
    if (this.axis) this.timeAxis(pen);
    this.draw(pen);
    this.head.style.transform = `translateX(${this.x(this.clock.timeS) - 0.75}px)`;
  }

  timeAxis(pen) {
    pen.fillStyle = css("--muted");
    pen.textAlign = "center";
    for (const [timeS, label] of this.axis(this.clock.lengthS, this.width)) {
      pen.fillText(label, this.x(timeS), this.height + 15);
    }
  }

  say() {}
}

class Curves extends Plot {
  // series: [{name, colour, x: times, y: values, step}]; marks: [{value, label}] drawn across.
  constructor(host, clock, options) {
    super(host, clock, options);
    this.series = options.series;
    this.marks = options.marks || [];
    this.digits = options.digits ?? 1;
    let low = 0, high = 0;
    for (const { y } of this.series) {
      for (const value of y) {
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    for (const { value } of this.marks) high = Math.max(high, value);
    const span = Math.max(high - low, 1e-9), step = niceStep(span, 3);
    this.ticks = [];
    this.low = low < 0 ? low - 0.06 * span : 0;
    this.high = high + 0.06 * span;
    for (let k = Math.ceil(this.low / step); k * step <= this.high; k++) this.ticks.push(k * step);
    this.decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    this.readouts = this.series.map(({ name, colour }) => {
      const item = document.createElement("span");
      item.innerHTML = "<i></i><span></span><b></b>";
      item.children[0].style.setProperty("--tone", colour.startsWith("--") ? `var(${colour})` : colour);
      item.children[1].textContent = `${name} `;
      this.values.append(item);
      return item.children[2];
    });
    this.start();
  }

  y(value) {
    return 4 + (this.height - 6) * (1 - (value - this.low) / (this.high - this.low));
  }

  draw(pen) {
    pen.textAlign = "right";
    pen.lineWidth = 1;
    for (const tick of this.ticks) {
      pen.strokeStyle = css(tick === 0 ? "--rule" : "--grid");
      pen.beginPath();
      pen.moveTo(LEFT, this.y(tick));
      pen.lineTo(LEFT + this.width, this.y(tick));
      pen.stroke();
      pen.fillStyle = css("--muted");
      pen.fillText(tick.toFixed(this.decimals), LEFT - 7, this.y(tick) + 4);
    }
    for (const series of this.series) this.curve(pen, series);
    for (const { value, label } of this.marks) {
      pen.strokeStyle = pen.fillStyle = css("--muted");
      pen.setLineDash([5, 4]);
      pen.beginPath();
      pen.moveTo(LEFT, this.y(value));
      pen.lineTo(LEFT + this.width, this.y(value));
      pen.stroke();
      pen.setLineDash([]);
      const room = this.y(value) > 16; // for the words above the line
      pen.fillText(label, LEFT + this.width, this.y(value) + (room ? -4 : 12));
    }
  }

  curve(pen, { colour, x, y, step, dashed }) {
    pen.strokeStyle = colourOf(colour);
    pen.lineWidth = 1.6;
    pen.lineJoin = "round";
    pen.setLineDash(dashed ? [5, 4] : []);
    pen.beginPath();
    let broken = true; // nan = not measured: a gap
    for (let i = 0; i < x.length; i++) {
      if (step && i > 0) pen.lineTo(this.x(x[i]), this.y(y[i - 1]));
      if (Number.isNaN(y[i])) broken = true;
      else if (broken) pen.moveTo(this.x(x[i]), this.y(y[i])), (broken = false);
      else pen.lineTo(this.x(x[i]), this.y(y[i]));
    }
    if (step && x.length) pen.lineTo(this.x(this.clock.lengthS), this.y(y[y.length - 1]));
    pen.stroke();
    pen.setLineDash([]);
  }

  say(timeS) {
    this.series.forEach(({ x, y }, i) => {
      const value = x.length && timeS >= x[0] ? y[indexAt(x, timeS)] : NaN;
      this.readouts[i].textContent = Number.isFinite(value) ? value.toFixed(this.digits) : "–";
    });
  }
}

class Bands extends Plot {
  // rows: [{label, height, gap, bands: [[startS, endS, key], ...]}]; tones: {key: colour}.
  constructor(host, clock, options) {
    const rows = options.rows;
    super(host, clock, { ...options, height: rows.reduce((sum, row) => sum + row.height + row.gap, 4) });
    this.rows = rows;
    this.tones = options.tones;
    this.start();
  }

  draw(pen) {
    let top = 4;
    for (const { label, height, gap, bands } of this.rows) {
      if (label) {
        pen.fillStyle = css("--muted");
        pen.textAlign = "right";
        pen.fillText(label, LEFT - 7, top + Math.max(height, 9) / 2 + 4);
      }
      for (const [startS, endS, key] of bands) {
        const from = this.x(startS);
        pen.fillStyle = colourOf(this.tones[key]);
        pen.fillRect(from, top, Math.max(this.x(endS) - from, 0.35), height);
      }
      top += height + gap;
    }
  }
}
