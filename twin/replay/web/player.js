// The clock that everything on a page is a function of, and the bar and keys that move it.

class Clock {
  // lengthS: where it ends, s; rate: seconds shown in one second.
  constructor(lengthS, rate) {
    Object.assign(this, { lengthS, rate, timeS: 0, playing: false, listeners: [], last: 0 });
    const tick = (now) => {
      if (this.playing) {
        // A tab in the background gets no frames: do not leap when it is back.
        const gap = Math.min((now - this.last) / 1000, 0.1);
        this.set(this.timeS + gap * this.rate);
        if (this.timeS >= this.lengthS) this.pause();
      }
      this.last = now;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  onChange(listener) {
    this.listeners.push(listener);
    listener();
  }

  set(timeS) {
    this.timeS = Math.min(Math.max(timeS, 0), this.lengthS);
    for (const listener of this.listeners) listener();
  }

  play() {
    if (this.timeS >= this.lengthS) this.set(0);
    this.playing = true;
    this.set(this.timeS);
  }

  pause() {
    this.playing = false;
    this.set(this.timeS);
  }

  seek(timeS) {
    this.playing = false;
    this.set(timeS);
  }
}

const ICONS = {
  play: '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3 1.5v13l11-6.5z"/></svg>',
  pause: '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3 1.5h3.6v13H3zM9.4 1.5H13v13H9.4z"/></svg>',
};

// Fill a `.transport` element with play button, slider, clock and speed, and bind the keys.
// rates: [[rate, label], ...]; say: seconds to text; stepS: what an arrow key moves.
function transport(host, clock, { rates, say, stepS }) {
  host.innerHTML = `<button class="play" title="play or pause (space)"></button>
    <input type="range" min="0" step="any" aria-label="time">
    <output class="clock"></output><select aria-label="speed" title="speed (- and +)"></select>`;
  const [button, slider, shown, speed] = host.children;
  slider.max = clock.lengthS;
  for (const [rate, label] of rates) speed.add(new Option(label, rate, false, rate === clock.rate));
  button.onclick = () => (clock.playing ? clock.pause() : clock.play());
  slider.oninput = () => clock.seek(Number(slider.value));
  speed.onchange = () => {
    clock.rate = Number(speed.value);
    speed.blur(); // keys go to the page again
  };
  let icon = "";
  clock.onChange(() => {
    slider.value = clock.timeS;
    shown.innerHTML = `<b>${say(clock.timeS)}</b><span> of ${say(clock.lengthS)}</span>`;
    const now = clock.playing ? "pause" : "play";
    if (now === icon) return;
    icon = now;
    button.innerHTML = ICONS[now];
    button.setAttribute("aria-label", now);
  });
  const faster = (by) => {
    const at = Math.min(Math.max(speed.selectedIndex + by, 0), rates.length - 1);
    speed.selectedIndex = at;
    clock.rate = rates[at][0];
  };
  const keys = {
    " ": () => button.onclick(),
    ArrowRight: (event) => clock.seek(clock.timeS + stepS * (event.shiftKey ? 10 : 1)),
    ArrowLeft: (event) => clock.seek(clock.timeS - stepS * (event.shiftKey ? 10 : 1)),
    Home: () => clock.seek(0),
    End: () => clock.seek(clock.lengthS),
    "+": () => faster(1),
    "-": () => faster(-1),
  };
  bindKeys(keys);
  followHash(clock);
}

// Bind keys to actions for the whole page, but not where somebody chooses from a list.
function bindKeys(keys) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return;
    const action = keys[event.key];
    if (!action) return;
    event.preventDefault();
    action(event);
  });
}

// `#t=12.5` in the address is the time shown; it is kept up while nothing plays.
function followHash(clock) {
  const read = () => {
    const found = /^#t=([0-9.]+)$/.exec(location.hash);
    if (found && Number.isFinite(Number(found[1]))) clock.seek(Number(found[1]));
  };
  read();
  addEventListener("hashchange", read);
  let waiting = 0;
  clock.onChange(() => {
    if (clock.playing) return;
    clearTimeout(waiting); // browsers refuse an address that changes with every pixel of a drag
    waiting = setTimeout(() => {
      if (clock.timeS > 0 || location.hash) history.replaceState(null, "", `#t=${+clock.timeS.toFixed(3)}`);
    }, 300);
  });
}
